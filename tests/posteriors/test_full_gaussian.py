"""FullGaussian: its KL in closed form against torch and Monte Carlo, its draws, and a posterior that needs it."""

from __future__ import annotations

import torch
from torch.distributions import Independent, MultivariateNormal, Normal, kl_divergence

from vaekit import MLP, VAE, Bernoulli, DiagonalGaussian, FullGaussian, Gaussian, MixturePrior, StandardNormal
from vaekit.trace import Layer

DOUBLE = torch.float64


def posterior() -> FullGaussian:
    torch.manual_seed(0)
    made = FullGaussian(MLP(4, 8), 3).double()
    with torch.no_grad():
        made.head.layer.weight.mul_(5)
    return made


def test_the_kl_to_diagonal_gaussians_is_that_of_full_ones() -> None:
    qz = posterior()(torch.randn(6, 4, dtype=DOUBLE))
    m, s = torch.randn(3, dtype=DOUBLE), torch.rand(3, dtype=DOUBLE) + 0.5
    as_full = MultivariateNormal(m, torch.diag(s.square()))
    torch.testing.assert_close(kl_divergence(qz, Independent(Normal(m, s), 1)), kl_divergence(qz, as_full))
    diagonal = DiagonalGaussian(MLP(4, 8), 3).double()(torch.randn(6, 4, dtype=DOUBLE))
    full = MultivariateNormal(diagonal.mean, torch.diag_embed(diagonal.variance))
    torch.testing.assert_close(kl_divergence(diagonal, qz), kl_divergence(full, qz))


def test_the_layer_uses_it_and_monte_carlo_agrees() -> None:
    qz, pz = posterior()(torch.randn(6, 4, dtype=DOUBLE)), StandardNormal(3).double()(None)
    z = qz.rsample((40_000,))
    layer = Layer(z, qz, pz)
    assert layer.kl_per_dimension.shape == (6, 1)
    log_ratio = layer.log_qz - layer.log_pz
    error = 5 * log_ratio.std(0) / 40_000**0.5
    assert bool(((layer.kl - log_ratio.mean(0)).abs() <= error).all())
    torch.testing.assert_close(
        torch.stack([torch.cov(z[:, i].T) for i in range(6)]), qz.covariance_matrix, rtol=0.1, atol=0.1
    )


def test_training_finds_the_correlated_posterior_of_a_linear_model() -> None:
    """p(x|z) = N(z1 + z2, 0.5^2): the posterior's dimensions are correlated by -0.8, which a diagonal one cannot be."""
    likelihood = Gaussian(MLP(2, ()), 1, scale=0.5).double()
    with torch.no_grad():
        likelihood.head.layer.weight.fill_(1.0)
        likelihood.head.layer.bias.zero_()
    torch.manual_seed(0)
    made = FullGaussian(MLP(1, ()), 2).double()
    model = VAE(made, StandardNormal(2).double(), likelihood)
    optimizer = torch.optim.Adam(made.parameters(), lr=0.05)
    x = torch.randn(64, 1, dtype=DOUBLE)
    for _ in range(300):
        optimizer.zero_grad()
        (-model.elbo(x, num_samples=4).mean()).backward()
        optimizer.step()
    precision = torch.eye(2, dtype=DOUBLE) + torch.ones(2, 2, dtype=DOUBLE) / 0.25
    torch.testing.assert_close(made(x).covariance_matrix.mean(0), precision.inverse(), rtol=0, atol=0.06)


def test_maps_and_another_prior() -> None:
    model = VAE(
        FullGaussian(MLP(4, 6), (2, 1, 2)), MixturePrior((2, 1, 2), 3), Bernoulli(MLP((2, 1, 2), 6), 4)
    )
    assert model.elbo(torch.rand(5, 4)).shape == (5,)
    assert model.embed(torch.rand(5, 4)).shape == (5, 2, 1, 2)
