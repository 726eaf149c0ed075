"""Rate and distortion, active units, reconstruction error and the Fréchet distance against closed forms."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
import torch
from torch.distributions import MultivariateNormal, kl_divergence

from vaekit import MLP, VAE, DiagonalGaussian, Schema, StandardNormal, UserError
from vaekit.evaluation import (
    ActiveUnits,
    PrincipalComponents,
    RateDistortion,
    frechet_distance,
    frechet_pca64,
    mse,
    psnr,
    squared_error,
)

sys.path.insert(0, str(Path(__file__).parent))
from linear_gaussian import LinearLikelihood, LinearPosterior, evidence, model_with, part_of


def test_rate_is_the_closed_form_kl() -> None:
    model, x = model_with(LinearPosterior(spread=0.8)), evidence().sample((6,))
    halves = RateDistortion()
    halves.add(model(x, None, 3))
    qz = model.encode(x)
    by_dimension = 0.5 * (qz.mean**2 + qz.variance - 1 - qz.variance.log())
    torch.testing.assert_close(halves.rate_per_dimension[0], by_dimension)
    torch.testing.assert_close(halves.rate, kl_divergence(qz.base_dist, model.prior(None).base_dist).sum(-1))


def test_distortion_is_the_expected_log_likelihood() -> None:
    model, x = model_with(LinearPosterior()), evidence().sample((4,))
    halves = RateDistortion()
    with torch.no_grad():
        for _ in range(20):
            halves.add(model(x, None, 1000))
    qz, scale = model.encode(x), 0.7
    weight = model.likelihood.weight.detach()
    error = (x - model.decode(qz.mean).mean.detach()).square().sum(-1) + (weight**2 @ qz.variance.T).sum(0)
    exact = 0.5 * error / scale**2 + 3 * math.log(scale * math.sqrt(2 * math.pi))
    assert float((halves.distortion - exact).abs().max()) < 0.1
    torch.testing.assert_close(halves.elbo, -(halves.distortion + halves.rate))


def test_unequal_chunks_weigh_by_their_draws() -> None:
    model, x = model_with(LinearPosterior()), evidence().sample((4,))
    small, large = model(x, None, 1), model(x, None, 9)
    halves = RateDistortion()
    halves.add(small)
    halves.add(large)
    torch.testing.assert_close(halves.distortion, -torch.cat([small.log_px, large.log_px]).mean(0))


def test_active_units_counts_means_that_follow_the_data() -> None:
    x = torch.randn(4000, 1, dtype=torch.float64)
    loc = torch.cat([x, 0.11 * x, 0.09 * x, torch.full_like(x, 1e6)], 1)  # variances 1, 0.0121, 0.0081, 0
    units = ActiveUnits()
    for chunk in loc.split(333):
        units.add(chunk)
    assert units.count == 2
    assert units.mask.tolist() == [True, True, False, False]
    torch.testing.assert_close(units.variance, loc.var(0))


def test_reconstruction_errors() -> None:
    x = torch.zeros(2, 1, 2, 2)
    x_hat = torch.tensor([0.0, 1.0]).view(2, 1, 1, 1).expand_as(x)
    assert squared_error(x, x_hat).tolist() == [0.0, 4.0]
    assert mse(x, x_hat).tolist() == [0.0, 1.0]
    unit = Schema("image", (1, 2, 2), low=0.0, high=1.0)
    assert psnr(0.001, unit) == pytest.approx(30.0)
    assert psnr(0.001, Schema("image", (1, 2, 2), low=-1.0, high=1.0)) == pytest.approx(
        30 + 20 * math.log10(2)
    )
    assert psnr(0.0, unit) is None
    assert psnr(0.1, Schema("array", (3,))) is None


def test_frechet_distance_of_gaussians_that_commute() -> None:
    """Of equal eigenvectors: |m1 - m2|^2 + sum (sqrt(l1) - sqrt(l2))^2."""
    basis = torch.linalg.qr(torch.randn(3, 3, dtype=torch.float64))[0]
    values = torch.tensor([[1.0, 4.0, 9.0], [2.0, 0.5, 9.0]], dtype=torch.float64)
    means = torch.tensor([[0.0, 0.0, 1.0], [1.0, 0.0, -1.0]], dtype=torch.float64)
    a, b = (exactly(m, basis * v @ basis.T) for m, v in zip(means, values))
    expected = (means[0] - means[1]).square().sum() + (values[0].sqrt() - values[1].sqrt()).square().sum()
    assert frechet_distance(a, b) == pytest.approx(float(expected), rel=1e-9)
    assert frechet_distance(b, a) == pytest.approx(float(expected), rel=1e-9)
    assert frechet_distance(a, a) == pytest.approx(0.0, abs=1e-9)


def test_frechet_distance_of_gaussians_that_do_not_commute() -> None:
    first = torch.tensor([[2.0, 0.9], [0.9, 1.0]], dtype=torch.float64)
    second = torch.tensor([[1.0, -0.4], [-0.4, 3.0]], dtype=torch.float64)
    zero = torch.zeros(2, dtype=torch.float64)
    values = torch.linalg.eigvals(first @ second).real  # tr (S1 S2)^(1/2) from the product's own eigenvalues
    expected = first.trace() + second.trace() - 2 * values.sqrt().sum()
    assert frechet_distance(exactly(zero, first), exactly(zero, second)) == pytest.approx(float(expected))


def test_principal_components_keep_the_leading_variance() -> None:
    x = torch.randn(3000, 5, dtype=torch.float64) * torch.tensor([0.1, 3.0, 0.2, 2.0, 0.3])
    features = PrincipalComponents.fit(x, num_features=2)(x)
    total = torch.linalg.eigvalsh(torch.cov(x.T))
    torch.testing.assert_close(features.var(0), total.flip(0)[:2])
    torch.testing.assert_close(features.mean(0), torch.zeros(2, dtype=torch.float64))


def test_principal_components_of_wide_data_match_the_exact_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(400, 30, dtype=torch.float64) * torch.logspace(1, -2, 30)
    exact = PrincipalComponents.fit(x, 3)
    monkeypatch.setattr("vaekit.evaluation.frechet.EXACT_SIZE", 10)
    close = PrincipalComponents.fit(x, 3)
    torch.testing.assert_close(close(x).abs(), exact(x).abs(), rtol=1e-3, atol=1e-2)


def test_frechet_of_a_true_model_is_near_the_floor_and_of_a_wrong_one_is_not() -> None:
    model = model_with(LinearPosterior())
    data, held_out = part_of(evidence().sample((4000,))), part_of(evidence().sample((4000,)))
    truth = frechet_pca64(model, held_out, data, num_samples=4000)
    # The mean of p(x|z) lacks the noise of x, so even the true model stays above the floor.
    assert truth["frechet_features"] == 3
    assert truth["frechet_pca64_data"] < 0.02
    model.likelihood.weight.data.mul_(4)
    assert (
        frechet_pca64(model, held_out, data, num_samples=4000)["frechet_pca64"] > 5 * truth["frechet_pca64"]
    )
    with pytest.raises(UserError, match="two examples"):
        frechet_pca64(model, held_out, data, num_samples=1)


def test_a_single_precision_model_is_measured_as_well() -> None:
    model = VAE(DiagonalGaussian(MLP(3, 4), 2), StandardNormal(2), LinearLikelihood()).float()
    halves = RateDistortion()
    model.likelihood.weight.data = model.likelihood.weight.data.float()
    halves.add(model(torch.randn(5, 3), None, 2))
    assert halves.elbo.dtype == torch.float64


def exactly(mean: torch.Tensor, covariance: torch.Tensor) -> torch.Tensor:
    """Points whose sample mean and covariance are these, to the last digits."""
    x = MultivariateNormal(mean, torch.eye(len(mean), dtype=torch.float64)).sample((50,))
    x = x - x.mean(0)
    whitened = x @ torch.linalg.inv(torch.linalg.cholesky(torch.cov(x.T))).T
    return mean + whitened @ torch.linalg.cholesky(covariance).T
