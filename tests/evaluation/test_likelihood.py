"""Importance sampling against the exact evidence of a linear-Gaussian model."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
import torch

from vaekit import MLP, VAE, Bernoulli, Deterministic, DiagonalGaussian, StandardNormal, UserError
from vaekit.evaluation import ImportanceSum, chunks, nll
from vaekit.evaluation.chunks import chunk_sizes, largest_activation

sys.path.insert(0, str(Path(__file__).parent))
from linear_gaussian import LinearPosterior, TruePosterior, evidence, model_with, part_of


def test_the_true_posterior_gives_the_evidence_from_one_draw() -> None:
    x = evidence().sample((20,))
    result = nll(model_with(TruePosterior()), part_of(x), num_samples=1)
    torch.testing.assert_close(result.values, -evidence().log_prob(x))


def test_any_posterior_converges_to_the_evidence() -> None:
    x = evidence().sample((50,))
    exact = -evidence().log_prob(x)
    result = nll(model_with(LinearPosterior(spread=1.6)), part_of(x), num_samples=4000)
    assert float((result.values - exact).abs().max()) < 0.15
    # Relative variance of one weight is about K / ESS - 1; the mean over 50 examples must lie within its noise.
    noise = ((4000 / result.ess - 1).clamp(min=0) / 4000).sum().sqrt() / 50
    assert abs(result.mean - float(exact.mean())) < 5 * float(noise)


def test_more_draws_tighten_the_bound() -> None:
    part, model = part_of(evidence().sample((300,))), model_with(LinearPosterior(spread=0.6))
    means = [nll(model, part, num_samples=k).mean for k in (1, 10, 200)]
    assert means[0] > means[1] > means[2] > float(-evidence().log_prob(part.raw).mean()) - 0.05


def test_effective_sample_size_lies_between_one_and_all() -> None:
    even, decided = ImportanceSum(1), ImportanceSum(1)
    even.add(torch.full((10, 1), -800.0))
    decided.add(torch.tensor([[0.0], [-500.0], [-900.0]]))
    torch.testing.assert_close(even.ess, torch.tensor([10.0], dtype=torch.float64))
    torch.testing.assert_close(decided.ess, torch.tensor([1.0], dtype=torch.float64))
    torch.testing.assert_close(even.log_evidence, torch.tensor([-800.0], dtype=torch.float64))


def test_chunks_of_draws_add_up_to_all_draws() -> None:
    log_w = torch.randn(100, 4, dtype=torch.float64) * 30 - 1000
    whole, parts = ImportanceSum(4), ImportanceSum(4)
    whole.add(log_w)
    for chunk in log_w.split(7):
        parts.add(chunk)
    torch.testing.assert_close(parts.log_evidence, log_w.logsumexp(0) - math.log(100))
    torch.testing.assert_close(parts.log_evidence, whole.log_evidence)
    torch.testing.assert_close(parts.ess, whole.ess)


@pytest.mark.parametrize("num_samples", [1, 50, 100_000])
def test_chunks_fit_the_budget_whatever_the_number_of_draws(num_samples: int) -> None:
    part = part_of(torch.rand(5, 3))
    model = VAE(DiagonalGaussian(MLP(3, 2000), 2), StandardNormal(2), Bernoulli(MLP(2, 2000), 3))
    assert largest_activation(model, part) == 2000
    num_examples, num_draws = chunk_sizes(model, part, num_samples)
    assert num_examples * num_draws * 2000 * 4 <= chunks.BUDGET
    assert num_examples >= 1
    assert 1 <= num_draws <= num_samples


def test_no_pass_is_larger_than_its_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "BUDGET", 4 * chunks.LIVE_ACTIVATIONS * 3 * 64)  # 64 rows of 3 values
    model, rows = model_with(LinearPosterior()), []
    model.likelihood.register_forward_hook(lambda module, args, out: rows.append(args[0][..., 0].numel()))
    part = part_of(evidence().sample((9,)))
    bounded = nll(model, part, num_samples=500)
    assert max(rows) <= 64
    assert sum(rows) == 9 * 500 + 2  # every draw once, and two to measure the activations
    assert float((bounded.values + evidence().log_prob(part.raw)).abs().max()) < 0.2


def test_the_seed_decides_and_the_global_state_stays() -> None:
    part, model = part_of(evidence().sample((5,))), model_with(LinearPosterior(spread=2.0)).train()
    before = torch.get_rng_state()
    first, again, other = (nll(model, part, num_samples=3, seed=seed).values for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(before, torch.get_rng_state())
    assert model.training


def test_an_autoencoder_and_no_draws_are_refused() -> None:
    part = part_of(torch.rand(2, 3))
    autoencoder = VAE(Deterministic(MLP(3, 4), 2), StandardNormal(2), Bernoulli(MLP(2, 4), 3))
    with pytest.raises(UserError, match="autoencoder"):
        nll(autoencoder, part)
    with pytest.raises(UserError, match="at least 1"):
        nll(model_with(LinearPosterior()), part, num_samples=0)
