"""ContinuousBernoulli against torch's where torch's is right, and against mathematics where it is not."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import ContinuousBernoulli as TorchContinuousBernoulli

from vaekit.distributions import ContinuousBernoulli
from vaekit.distributions.continuous_bernoulli import SERIES_BELOW


def test_equals_torch_away_from_its_clamps() -> None:
    logits = torch.cat([torch.linspace(-12, -0.1, 50), torch.linspace(0.1, 12, 50)]).double()
    x = torch.rand(20, 1, dtype=torch.float64)
    ours, theirs = ContinuousBernoulli(logits), TorchContinuousBernoulli(logits=logits)
    torch.testing.assert_close(ours.log_prob(x), theirs.log_prob(x))
    torch.testing.assert_close(ours.mean, theirs.mean, rtol=1e-8, atol=1e-8)
    torch.testing.assert_close(ours.variance, theirs.variance, rtol=1e-6, atol=1e-8)


def test_a_logit_of_0_is_uniform() -> None:
    logits = torch.zeros((), dtype=torch.float64, requires_grad=True)
    x = torch.tensor([0.0, 0.3, 1.0], dtype=torch.float64)
    log_px = ContinuousBernoulli(logits).log_prob(x)
    torch.testing.assert_close(log_px, torch.zeros_like(log_px))
    # The score of an exponential family: x - mean.
    for value, score in zip(log_px, x - 0.5, strict=True):
        torch.testing.assert_close(torch.autograd.grad(value, logits, retain_graph=True)[0], score)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_score_is_x_minus_the_mean_for_every_logit(dtype: torch.dtype) -> None:
    sizes = torch.logspace(-8, 5, 200, dtype=dtype)
    logits = torch.cat([-sizes, sizes]).requires_grad_()
    p = ContinuousBernoulli(logits)
    x = torch.rand(400, dtype=dtype)
    (score,) = torch.autograd.grad(p.log_prob(x).sum(), logits)
    torch.testing.assert_close(
        score, x - p.mean.detach(), rtol=0, atol=2e-6 if dtype == torch.float32 else 1e-9
    )
    # And the variance is the slope of the mean.
    (slope,) = torch.autograd.grad(p.mean.sum(), logits)
    torch.testing.assert_close(
        slope, p.variance.detach(), rtol=0, atol=1e-5 if dtype == torch.float32 else 1e-8
    )


def test_series_and_closed_form_meet() -> None:
    edge = torch.tensor([SERIES_BELOW, -SERIES_BELOW], dtype=torch.float64)
    below, above = ContinuousBernoulli(edge * (1 - 1e-12)), ContinuousBernoulli(edge * (1 + 1e-12))
    x = torch.linspace(0, 1, 5, dtype=torch.float64)[:, None]
    torch.testing.assert_close(below.log_prob(x), above.log_prob(x), rtol=0, atol=1e-10)
    torch.testing.assert_close(below.mean, above.mean, rtol=0, atol=1e-9)
    torch.testing.assert_close(below.variance, above.variance, rtol=0, atol=1e-8)


@pytest.mark.parametrize("logit", [-1e4, -3.0, 0.0, 1e-9, 0.2, 30.0, 1e4])
def test_draws_carry_the_gradient_of_the_mean(logit: float) -> None:
    """d E[x] / d eta is the variance, and the mean of reparameterized draws has that gradient."""
    logits = torch.full((200_000,), logit, dtype=torch.float64, requires_grad=True)
    p = ContinuousBernoulli(logits)
    draws = p.rsample()
    assert bool(((draws >= 0) & (draws <= 1)).all())
    error = 5 * float(p.variance[0].detach().sqrt()) / len(logits) ** 0.5
    assert abs(float(draws.detach().mean()) - float(p.mean[0].detach())) <= error
    if abs(logit) > 1e-6:  # a stand-in without a slope replaces smaller ones
        (gradient,) = torch.autograd.grad(draws.sum(), logits)
        torch.testing.assert_close(gradient.mean(), p.variance[0].detach(), rtol=0.02, atol=0)


def test_expand_and_mode() -> None:
    p = ContinuousBernoulli(torch.tensor([-2.0, 3.0])).expand((4, 2))
    assert p.sample().shape == (4, 2)
    assert p.mode.tolist()[0] == [0.0, 1.0]
