"""The best epoch is chosen by what is trained, where that compares between epochs."""

from __future__ import annotations

from vaekit import ELBO, Linear
from vaekit.training.selection import selection_score

VALID = {"loss": 3.0, "elbo": -9.0, "distortion": 2.0, "rate": 7.0}


def test_a_constant_beta_selects_by_its_own_loss() -> None:
    assert selection_score(VALID, ELBO(beta=0.3).is_steady) == 3.0


def test_a_plain_or_a_scheduled_elbo_selects_by_the_elbo() -> None:
    for objective in (ELBO(), ELBO(beta=Linear(epochs=3))):
        assert not objective.is_steady
        assert selection_score(VALID, objective.is_steady) == 9.0
    assert selection_score({"loss": 1.0, "bound": -4.0, "elbo": -5.0}) == 4.0
