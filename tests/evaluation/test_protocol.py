"""Protocols say what parts two figures, and intervals hold the truth as often as they say."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
import torch

from vaekit import MLP, VAE, Bernoulli, DiagonalGaussian, Gaussian, Schema, StandardNormal
from vaekit.data.dataset import Part
from vaekit.evaluation import bootstrap_interval, differences, evaluate, nll
from vaekit.evaluation.protocol import fingerprint

sys.path.insert(0, str(Path(__file__).parent))
from linear_gaussian import LinearPosterior, evidence, model_with, part_of

GREY = Schema("image", (1, 4, 4), 0.0, 1.0, levels=256, scale=255.0, dtype="uint8", name="grey")


def vae(likelihood: type = Bernoulli) -> VAE:
    return VAE(DiagonalGaussian(MLP((1, 4, 4), 8), 2), StandardNormal(2), likelihood(MLP(2, 8), (1, 4, 4)))


def images(num: int = 40) -> Part:
    return Part(torch.randint(0, 256, (num, 1, 4, 4), dtype=torch.uint8), None, None, GREY)


def test_the_interval_holds_the_true_mean_as_often_as_it_says() -> None:
    held = 0
    for seed in range(200):
        low, high = bootstrap_interval(torch.randn(60, dtype=torch.float64), num_resamples=400, seed=seed)
        held += low < 0 < high
    assert 0.90 <= held / 200 <= 0.98


def test_the_interval_is_the_normal_one_for_a_mean() -> None:
    values = torch.randn(5000, dtype=torch.float64) * 3 + 7
    low, high = bootstrap_interval(values)
    half = 1.96 * float(values.std()) / math.sqrt(5000)
    assert low == pytest.approx(float(values.mean()) - half, abs=0.1 * half)
    assert high == pytest.approx(float(values.mean()) + half, abs=0.1 * half)
    assert bootstrap_interval(values) == [low, high]
    assert bootstrap_interval(values[:1]) is None


def test_the_sampling_error_is_the_spread_over_seeds() -> None:
    part, model = part_of(evidence().sample((30,))), model_with(LinearPosterior(spread=1.4))
    results = [nll(model, part, num_samples=60, seed=seed) for seed in range(60)]
    spread = torch.tensor([r.mean for r in results]).std()
    assert results[0].sampling_error == pytest.approx(float(spread), rel=0.35)


def test_every_result_carries_its_protocol() -> None:
    part, model = images(), vae()
    protocol = evaluate(model, part, num_samples=3, limit=10, seed=4, name="test")["protocol"]
    stated = {"data": "grey", "part": "test", "n": 10, "n_total": 40, "seed": 4, "num_samples": 3}
    assert stated.items() <= protocol.items()
    assert protocol["binarization"] == "none"
    assert protocol["measure"] == "cross-entropy of grey levels"
    assert not protocol["is_likelihood"]
    assert "float32" in protocol["precision"]


def test_other_examples_are_another_protocol_and_other_weights_are_not() -> None:
    part = images()
    first, again, other, more, seed = (
        evaluate(m, p, num_samples=k, limit=10, seed=s)["protocol"]
        for m, p, k, s in (
            (vae(), part, 3, 0), (vae(), part, 3, 0), (vae(), images(), 3, 0), (vae(), part, 4, 0), (vae(), part, 3, 1),
        )
    )  # fmt: skip
    assert differences(first, again, "nll") == []
    assert differences(first, other, "nll") == ["examples"]
    assert differences(first, more, "nll") == ["num_samples"]
    assert differences(first, more, "elbo") == []
    assert differences(first, seed, "mse") == ["examples"]


def test_a_density_on_a_grid_and_a_cross_entropy_do_not_compare() -> None:
    part = images()
    grey, density = (evaluate(vae(lik), part, num_samples=2)["protocol"] for lik in (Bernoulli, Gaussian))
    assert differences(grey, density, "elbo") == ["measure"]
    assert differences(grey, density, "mse") == []


def test_the_fingerprint_is_of_the_values() -> None:
    part = images()
    same = Part(part.raw.clone(), None, None, GREY)
    assert fingerprint(part) == fingerprint(same) == fingerprint(part, rows=7)
    same.raw[3, 0, 0, 0] ^= 1
    assert fingerprint(part) != fingerprint(same)
