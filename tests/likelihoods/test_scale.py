"""The spread of Gaussian, Laplace and logistic likelihoods."""

from __future__ import annotations

import math

import pytest
import torch

from vaekit import (
    ELBO,
    MLP,
    VAE,
    DiagonalGaussian,
    DiscretizedLogistic,
    Gaussian,
    Laplace,
    StandardNormal,
    UserError,
)
from vaekit.likelihoods.scale import MIN_SCALE


def test_optimal_log_likelihood_and_gradient_are_the_papers() -> None:
    """Of a batch: -N/2 (log MSE + 1 + log 2 pi), gradient included (Rybkin et al., 2021)."""
    torch.manual_seed(0)
    likelihood = Gaussian(MLP(2, ()), 5, scale="optimal").double()
    z, x = torch.randn(3, 8, 2, dtype=torch.float64), torch.randn(8, 5, dtype=torch.float64)
    log_px = likelihood(z).log_prob(x).sum()
    (loc,) = likelihood.head(z)
    expected = -loc.numel() / 2 * ((x - loc).square().mean().log() + 1 + math.log(2 * math.pi))
    torch.testing.assert_close(log_px, expected)
    weights = list(likelihood.parameters())
    for a, b in zip(
        torch.autograd.grad(log_px, weights), torch.autograd.grad(expected, weights), strict=True
    ):
        torch.testing.assert_close(a, b)


def test_optimal_laplace_is_the_mean_absolute_error() -> None:
    likelihood = Laplace(MLP(2, ()), 5, scale="optimal").double()
    z, x = torch.randn(8, 2, dtype=torch.float64), torch.randn(8, 5, dtype=torch.float64)
    px = likelihood(z)
    best = px.log_prob(x).sum()
    b = (x - px.mean).abs().mean()
    torch.testing.assert_close(best, px.at(b).log_prob(x).sum())
    assert best > px.at(b * 1.01).log_prob(x).sum()
    assert best > px.at(b * 0.99).log_prob(x).sum()


@pytest.mark.parametrize("likelihood_type", [Gaussian, Laplace])
def test_held_out_data_cannot_set_the_optimal_scale(likelihood_type: type) -> None:
    likelihood = likelihood_type(MLP(2, ()), 5, scale="optimal").double()
    z = torch.randn(8, 2, dtype=torch.float64)
    errors = []
    for _ in range(3):
        x = torch.randn(8, 5, dtype=torch.float64)
        px = likelihood(z)
        px.log_prob(x)
        errors.append((x - px.mean).detach().abs().pow(likelihood.scale.power).mean())
    running = torch.stack(errors).mean() ** (1 / likelihood.scale.power)
    torch.testing.assert_close(likelihood.scale(), running)
    before = {k: v.clone() for k, v in likelihood.state_dict().items()}

    def per_example(x: torch.Tensor) -> torch.Tensor:
        return likelihood(z).log_prob(x)

    x = 10 * torch.randn(8, 5, dtype=torch.float64)
    with torch.no_grad():  # measured in the middle of training, before anybody calls eval()
        first = per_example(x)
    likelihood.eval()
    torch.testing.assert_close(per_example(x), first)
    changed = x.clone()
    changed[1:] = 0
    assert per_example(changed)[0] == first[0]
    assert all(torch.equal(before[k], v) for k, v in likelihood.state_dict().items())


def test_learned_scales_find_the_spread() -> None:
    """With the mean fixed, the best learned sigma is the root mean squared error, in all or in each dimension."""
    torch.manual_seed(0)
    spread = torch.tensor([0.2, 1.0, 3.0], dtype=torch.float64)
    x = spread * torch.randn(500, 3, dtype=torch.float64)
    z = torch.zeros(500, 1, dtype=torch.float64)
    for scale, expected in (
        ("learned", x.square().mean().sqrt()),
        ("per_dimension", x.square().mean(0).sqrt()),
    ):
        likelihood = Gaussian(MLP(1, ()), 3, scale=scale).double()
        torch.nn.init.zeros_(likelihood.head.layer.bias)
        optimizer = torch.optim.LBFGS(
            likelihood.scale.parameters(), max_iter=100, line_search_fn="strong_wolfe"
        )

        def loss(likelihood=likelihood, optimizer=optimizer) -> torch.Tensor:
            optimizer.zero_grad()
            value = -likelihood(z).log_prob(x).mean()
            value.backward()
            return value

        optimizer.step(loss)
        torch.testing.assert_close(likelihood.scale().detach(), expected, rtol=1e-3, atol=0)


@pytest.mark.parametrize("scale", ["learned", "per_dimension", "network", "optimal"])
def test_perfect_reconstruction_does_not_collapse_the_scale(scale: str) -> None:
    """Weights that ask for no spread at all, or errors that are 0, still leave a finite density."""
    likelihood = Gaussian(MLP(2, ()), 3, scale=scale)
    torch.nn.init.constant_(likelihood.head.layer.bias, -1e3)
    for weight in likelihood.scale.parameters():
        torch.nn.init.constant_(weight, -1e3)
    px = likelihood(torch.zeros(4, 2))
    log_px = px.log_prob(px.mean.detach()).detach()
    expected = -3 * math.log(MIN_SCALE * math.sqrt(2 * math.pi))
    torch.testing.assert_close(log_px, torch.full((4,), expected))


@pytest.mark.parametrize("bad", ["lerned", 0.0, -1.0, math.inf, True])
def test_scales_that_mean_nothing_are_refused(bad: object) -> None:
    with pytest.raises(UserError, match=r"Gaussian.*scale"):
        Gaussian(MLP(2, 3), 3, scale=bad)  # type: ignore[arg-type]


def test_logistic_takes_no_number() -> None:
    with pytest.raises(UserError, match="DiscretizedLogistic takes scale"):
        DiscretizedLogistic(MLP(2, 3), 3, scale=0.1)  # type: ignore[arg-type]
    with pytest.raises(UserError, match='no scale "optimal"'):
        DiscretizedLogistic(MLP(2, 3), 3, scale="optimal")


def test_optimal_scale_trains_inside_a_model() -> None:
    vae = VAE(DiagonalGaussian(MLP(4, 8), 2), StandardNormal(2), Gaussian(MLP(2, 8), 4, scale="optimal"))
    loss = ELBO()(vae(torch.randn(16, 4), num_samples=3))
    loss.total.backward()
    assert all(bool(torch.isfinite(p.grad).all()) for p in vae.parameters())
    assert vae.likelihood.scale.num_batches == 1
