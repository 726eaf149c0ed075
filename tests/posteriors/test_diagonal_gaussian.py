"""DiagonalGaussian: the density it draws from, its ends, and the posteriors' contract."""

from __future__ import annotations

import pytest
import torch

from vaekit import MLP, DiagonalGaussian, UserError
from vaekit.distributions.diagonal import LOGVAR_RANGE


def test_the_network_gives_mean_and_log_variance() -> None:
    posterior = DiagonalGaussian(MLP(4, 8), 3).double()
    x = torch.randn(5, 4, dtype=torch.float64)
    mu, logvar = posterior.head(posterior.net(x))
    qz = posterior(x)
    torch.testing.assert_close(qz.mean, mu)
    torch.testing.assert_close(qz.variance, logvar.exp())
    draws = qz.rsample((20_000,))
    error = 5 * (qz.variance / 20_000).sqrt()
    assert bool(((draws.mean(0) - mu).abs() <= error).all())
    torch.testing.assert_close(draws.var(0), qz.variance, rtol=0.06, atol=0)


def test_reparameterized_draws_have_the_gradients_of_the_moments() -> None:
    """d E|z|^2 / d mu = 2 mu and d E|z|^2 / d logvar = sigma^2, exactly in the mean of draws +eps and -eps."""
    mu = torch.tensor([0.3, -1.0], dtype=torch.float64, requires_grad=True)
    logvar = torch.tensor([0.5, -2.0], dtype=torch.float64, requires_grad=True)
    posterior = DiagonalGaussian(MLP(4, ()), 2).double()
    posterior.head.register_forward_hook(lambda module, inputs, output: torch.stack([mu, logvar])[:, None])
    z = posterior(torch.zeros(1, 4, dtype=torch.float64)).rsample((200_000,))
    by_mu, by_logvar = torch.autograd.grad(z.square().sum(-1).mean(), [mu, logvar])
    torch.testing.assert_close(by_mu, 2 * mu.detach(), rtol=0.02, atol=0.02)
    torch.testing.assert_close(by_logvar, logvar.detach().exp(), rtol=0.02, atol=0)


@pytest.mark.parametrize("logvar", [-1e4, 1e4])
def test_extreme_outputs_stay_finite_in_float32(logvar: float) -> None:
    posterior = DiagonalGaussian(MLP(4, ()), 2)
    torch.nn.init.constant_(posterior.head.layer.bias, logvar)
    qz = posterior(torch.zeros(3, 4))
    z = qz.rsample((5,))
    assert bool(torch.isfinite(z).all())
    assert bool(torch.isfinite(qz.log_prob(z)).all())
    assert float(qz.variance.detach().log().abs().max()) <= max(map(abs, LOGVAR_RANGE)) + 1e-3


def test_condition_and_shaped_latents() -> None:
    posterior = DiagonalGaussian(MLP(4, 8, condition=2), (2, 3, 3))
    qz = posterior(torch.randn(5, 4), torch.randn(5, 2))
    assert (qz.batch_shape, qz.event_shape) == ((5,), (2, 3, 3))
    with pytest.raises(UserError, match="condition of 2 features; none came"):
        posterior(torch.randn(5, 4))
    with pytest.raises(UserError, match="at least 1"):
        DiagonalGaussian(MLP(4, 8), 0)
