"""Rankings: by intervals, in the right direction, and never across protocols."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from vaekit import MLP, VAE, Bernoulli, DiagonalGaussian, StandardNormal
from vaekit.evaluation import ais_check, rank

sys.path.insert(0, str(Path(__file__).parent))
from linear_gaussian import LinearPosterior, evidence, model_with, part_of

PROTOCOL = {"examples": "abc", "n": 10, "binarization": "none", "measure": "probability", "estimator": "x"}


def of(value: float | None, interval: list[float] | None = None, **protocol: object) -> dict[str, object]:
    return {"nll": value, "nll_interval": interval, "protocol": {**PROTOCOL, "num_samples": 5, **protocol}}


@pytest.mark.parametrize(("higher", "best"), [(False, (1,)), (True, (0,))])
def test_the_direction_decides(higher: bool, best: tuple[int, ...]) -> None:
    assert rank([of(3.0), of(1.0), of(2.0)], "nll", higher=higher).best == best


def test_overlapping_intervals_share_the_place() -> None:
    results = [of(1.0, [0.8, 1.2]), of(1.3, [1.1, 1.5]), of(1.6, [1.4, 1.8])]
    assert rank(results, "nll", higher=False).best == (0, 1)


@pytest.mark.parametrize(
    "change",
    [{"num_samples": 50}, {"examples": "other"}, {"measure": "density"}, {"binarization": "dynamic"}],
)
def test_other_protocols_are_not_ranked(change: dict[str, object]) -> None:
    found = rank([of(3.0), of(1.0), of(2.0, None, **change)], "nll", higher=False)
    assert found.best == ()
    assert found.differing == tuple(change)


def test_what_only_describes_does_not_forbid() -> None:
    found = rank(
        [of(3.0), of(1.0, None, seed=3, precision="float64", likelihood="Other")], "nll", higher=False
    )
    assert found.best == (1,)


def test_one_figure_alone_is_no_ranking() -> None:
    assert rank([of(3.0), of(None)], "nll", higher=False).best == ()
    assert rank([of(None), of(None, None, n=3)], "nll", higher=False).differing == ()


def test_ais_and_importance_sampling_agree_on_the_linear_model_and_say_so() -> None:
    part, model = part_of(evidence().sample((80,))), model_with(LinearPosterior(spread=1.3))
    found = ais_check(
        model, part, limit=60, num_samples=2000, num_chains=16, num_temperatures=60, num_leapfrog=5
    )
    json.dumps(found, allow_nan=False)
    assert found["agree"]
    assert found["protocol"]["n"] == 60
    assert found["difference"] == pytest.approx(found["ais_nll"] - found["importance_nll"])


def test_a_posterior_that_looks_elsewhere_is_found_out() -> None:
    """q(z|x) far from p(z|x): importance sampling is wrong and sure of itself; the path from the prior tells."""
    model = model_with(LinearPosterior(spread=0.05))
    part = part_of(evidence().sample((40,)))
    found = ais_check(model, part, num_samples=50, num_chains=16, num_temperatures=60, num_leapfrog=5)
    assert found["importance_nll"] > found["ais_nll"] + 0.5
    assert not found["agree"]


def test_a_model_in_single_precision_is_checked_in_double() -> None:
    model = VAE(DiagonalGaussian(MLP(3, 4), 2), StandardNormal(2), Bernoulli(MLP(2, 4), 3))
    part = part_of((evidence().sample((6,)) > 0).double())
    found = ais_check(model, part, num_samples=10, num_chains=2, num_temperatures=5, double=True)
    assert found["protocol"]["double"]
