"""Scores of disentanglement on constructed codes: perfect, rotated, doubled and empty ones."""

from __future__ import annotations

import functools
import json
import sys

import numpy as np
import pytest
import torch

from vaekit import MLP, VAE, Bernoulli, Deterministic, DiagonalGaussian, Schema, StandardNormal, UserError
from vaekit.data.dataset import Part
from vaekit.evaluation import (
    beta_vae_score,
    dci,
    disentanglement,
    factor_vae_score,
    mig,
    modularity,
    mutual_information,
    sap,
)
from vaekit.evaluation.dci import scores_of
from vaekit.evaluation.fixed_factor import FixedFactor
from vaekit.evaluation.information import discretize, entropies

SIZES = (3, 4, 5)
FACTORS = np.stack(np.unravel_index(np.tile(np.arange(60), 10), SIZES), 1).astype(np.int64)
PERFECT = (FACTORS - FACTORS.mean(0)) / FACTORS.std(0)
RNG = np.random.default_rng(0)
ROTATION = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
NOISE = RNG.normal(size=(600, 1))


def mixed(angle: float = np.pi / 4) -> tuple[np.ndarray, np.ndarray]:
    """Two factors of one size, and a code that is their rotation."""
    factors = np.stack(np.unravel_index(np.arange(100), (10, 10)), 1).astype(np.int64)
    z = (factors - 4.5) / factors.std(0)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return z @ turn, factors


def test_a_perfect_code_gets_every_score_in_full() -> None:
    codes = np.concatenate([PERFECT * [1, -2, 3], np.zeros((600, 1))], 1)[:, [2, 0, 3, 1]]
    assert mig(codes, FACTORS) == pytest.approx(1, abs=1e-9)
    assert modularity(codes, FACTORS) == pytest.approx(1, abs=1e-9)
    assert sap(codes, FACTORS) == pytest.approx(1, abs=1e-9)
    assert factor_vae_score(codes, FACTORS, num_votes=200) == 1
    assert beta_vae_score(codes, FACTORS, num_train=300, num_test=200) > 0.99
    found = dci(codes, FACTORS, num_trees=10)
    assert found["dci_disentanglement"] == pytest.approx(1, abs=1e-6)
    assert found["dci_completeness"] == pytest.approx(1, abs=1e-6)
    assert found["dci_informativeness"] == 1


def test_a_code_of_noise_gets_nothing() -> None:
    codes = RNG.normal(size=(600, 3))
    assert mig(codes, FACTORS) < 0.05
    assert sap(codes, FACTORS) < 0.02
    assert factor_vae_score(codes, FACTORS, num_votes=300) < 0.5
    assert beta_vae_score(codes, FACTORS, num_train=300, num_test=300) < 0.5
    assert dci(codes, FACTORS, num_trees=10)["dci_informativeness"] < 0.45


def test_a_rotation_by_half_a_right_angle_leaves_no_gap() -> None:
    """Both latents tell equally much about both factors."""
    codes, factors = mixed()
    # Codes on the edge of a bin fall to either side by their last digit.
    assert mig(codes, factors) == pytest.approx(0, abs=0.03)
    assert sap(codes, factors) == pytest.approx(0, abs=1e-9)
    assert modularity(codes, factors) == pytest.approx(0, abs=0.06)


def test_sap_of_a_rotation_is_its_cosine() -> None:
    """R^2 of the two latents are cos^2 and sin^2: the gap is cos(2 angle)."""
    for angle in (0.1, 0.3, 0.7):
        assert sap(*mixed(angle)) == pytest.approx(np.cos(2 * angle), abs=1e-9)


def test_a_factor_told_by_two_latents_has_no_gap_and_stays_modular() -> None:
    codes = np.concatenate([PERFECT, PERFECT], 1)
    assert mig(codes, FACTORS) == pytest.approx(0, abs=1e-9)
    assert modularity(codes, FACTORS) == pytest.approx(1, abs=1e-9)


def test_one_latent_for_all_factors_is_neither_modular_nor_disentangled() -> None:
    """z tells all factors: modularity is 1 - sum of squared information of the lesser ones."""
    codes = np.ravel_multi_index(FACTORS.T, SIZES).astype(float)[:, None]
    information = mutual_information(codes, FACTORS, bins=60)
    np.testing.assert_allclose(information[0], np.log(SIZES), rtol=1e-9)
    squares = np.log(SIZES) ** 2
    expected = 1 - (squares[0] + squares[1]) / (2 * squares[2])
    assert modularity(codes, FACTORS, bins=60) == pytest.approx(expected)


def test_information_is_that_of_a_channel() -> None:
    """A binary symmetric channel with crossover 0.1 and a uniform input: log 2 - H(0.1)."""
    factors = np.repeat([0, 1], 1000)[:, None]
    codes = factors.astype(float).copy()
    codes[:100], codes[1000:1100] = 1, 0
    entropy = -(0.1 * np.log(0.1) + 0.9 * np.log(0.9))
    assert mutual_information(codes, factors).item() == pytest.approx(np.log(2) - entropy)
    np.testing.assert_allclose(entropies(FACTORS), np.log(SIZES))
    assert discretize(np.array([[0.0], [0.49], [0.5], [1.0]]), 2).ravel().tolist() == [0, 0, 1, 1]


def test_dci_of_importances_by_hand() -> None:
    # Rows (3, 1) and (0, 4): shares 4/8 each, entropies in bits of (3/4, 1/4) and of (0, 1).
    entropy = -(0.75 * np.log2(0.75) + 0.25 * np.log2(0.25))
    disentangled, complete = scores_of(np.array([[3.0, 1.0], [0.0, 4.0]]))
    assert disentangled == pytest.approx(0.5 * (1 - entropy) + 0.5)
    column = -(0.2 * np.log2(0.2) + 0.8 * np.log2(0.8))
    assert complete == pytest.approx((1 + 1 - column) / 2)


@pytest.mark.parametrize(("d", "f", "seed"), [(1, 2, 0), (2, 2, 1), (3, 4, 2), (5, 3, 3)])
def test_scores_lie_between_zero_and_one_and_do_not_see_order_or_scale(d: int, f: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    codes, factors = rng.normal(size=(200, d)), rng.integers(0, 4, (200, f))
    turned = (codes * rng.uniform(0.5, 2, d))[:, rng.permutation(d)]
    for score in (mig, modularity, sap):
        assert -1e-9 <= score(codes, factors) <= 1 + 1e-9
        assert score(turned, factors) == pytest.approx(score(codes, factors), abs=0.02)
    assert sap(-codes, factors) == pytest.approx(sap(codes, factors))


def test_a_categorical_factor_is_classified() -> None:
    """Three classes in the order 0, 2, 1 along z: a regression misses what classes on a line still show."""
    factors = np.tile([[0], [1], [2]], (200, 1))
    codes = np.array([0.0, 10.0, 5.0])[factors] + 0.01 * NOISE
    ordered = sap(codes, factors)
    classified = sap(codes, factors, categorical=[0])
    assert ordered == pytest.approx(0.25, abs=0.01)
    assert classified > 0.6


def test_draws_share_the_value_of_the_factor_and_nothing_else() -> None:
    draws = FixedFactor(FACTORS, 0)
    some = draws.rng.integers(0, 600, 4000)
    for k in range(3):
        others = FACTORS[draws.like(some, k)]
        assert (others[:, k] == FACTORS[some, k]).all()
        rest = [i for i in range(3) if i != k]
        for i in rest:
            assert np.bincount(others[:, i]).min() > 0.8 * 4000 / SIZES[i]
            assert abs((others[:, i] == FACTORS[some, i]).mean() - 1 / SIZES[i]) < 0.04


def test_collapsed_latents_do_not_vote() -> None:
    """A latent of variance 1e-8 that tells a factor perfectly is left out; with it the score would be full."""
    codes = np.concatenate([1e-4 * PERFECT[:, :1], PERFECT[:, 1:]], 1)
    assert factor_vae_score(codes, FACTORS, num_votes=300) < 0.8
    assert factor_vae_score(1e-4 * PERFECT, FACTORS) == 0


SCHEMA = Schema("array", (3,), 0.0, 1.0, name="factors")


def part_with(factors: np.ndarray | None) -> Part:
    x = torch.from_numpy((FACTORS / FACTORS.max(0)).astype(np.float32))
    y = torch.from_numpy(FACTORS[:, 0])
    return Part(x, y, None, SCHEMA, factors=None if factors is None else torch.from_numpy(factors))


def test_a_model_is_scored_by_its_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    room = sys.modules["vaekit.evaluation.disentanglement"]
    monkeypatch.setattr(room, "dci", functools.partial(dci, num_trees=5))
    model = VAE(Deterministic(MLP(3, ()), 3), StandardNormal(3), Bernoulli(MLP(3, 4), 3))
    with torch.no_grad():
        for p in model.posterior.parameters():
            p.copy_(5 * torch.eye(3) if p.ndim == 2 else torch.zeros_like(p))
    results = disentanglement(model, part_with(FACTORS), limit=400, factor_names=("a", "b", "c"))
    json.dumps(results, allow_nan=False)
    assert results["mig"] == pytest.approx(1, abs=0.02)
    assert results["mig_sampled"] == results["mig"]
    assert results["protocol"]["n"] == 400
    assert results["protocol"]["factors"] == ["a", "b", "c"]
    again = disentanglement(model, part_with(FACTORS), limit=400, factor_names=("a", "b", "c"))
    assert results == again
    sampled = VAE(DiagonalGaussian(MLP(3, 4), 3), StandardNormal(3), Bernoulli(MLP(3, 4), 3))
    found = disentanglement(sampled, part_with(FACTORS), limit=400)
    assert found["mig_sampled"] != found["mig"]


def test_data_without_factors_are_refused() -> None:
    model = VAE(DiagonalGaussian(MLP(3, 4), 3), StandardNormal(3), Bernoulli(MLP(3, 4), 3))
    with pytest.raises(UserError, match="no known factors"):
        disentanglement(model, part_with(None))
