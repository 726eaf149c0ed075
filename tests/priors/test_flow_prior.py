"""FlowPrior: every flow is a density in two dimensions, inverts exactly, and learns one that is no Gaussian."""

from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch

from vaekit import MLP, VAE, Bernoulli, DiagonalGaussian, FlowPrior, UserError
from vaekit.nets.flow import last_layers
from vaekit.priors.flow_prior import FLOWS

DOUBLE = torch.float64


def bent(num: int) -> torch.Tensor:
    """A banana: z2 = z1^2 / 2 - 1 + noise."""
    z1 = torch.randn(num, dtype=DOUBLE)
    return torch.stack([z1, z1.square() / 2 - 1 + 0.2 * torch.randn(num, dtype=DOUBLE)], -1)


def moved(flow: str, **arguments) -> FlowPrior:
    """A small flow with weights large enough to bend space."""
    torch.manual_seed(0)
    prior = FlowPrior(2, flow, num_transforms=3, hidden=8, **arguments).double()
    with torch.no_grad():
        for last in last_layers(prior.flow):
            last.weight.mul_(130 if flow != "realnvp" else 100)
            last.bias.normal_(0, 0.2)
    return prior


@pytest.mark.parametrize("flow", FLOWS)
@pytest.mark.parametrize("condition", [0, 3])
def test_the_density_integrates_to_1_and_draws_follow_it(flow: str, condition: int) -> None:
    prior = moved(flow, condition=condition)
    y = torch.eye(3, dtype=DOUBLE)[[1]] if condition else None
    pz = prior(None, y)
    axis = torch.linspace(-10, 10, 301, dtype=DOUBLE)
    grid = torch.cartesian_prod(axis, axis)
    grid = grid[:, None] if condition else grid
    with torch.no_grad():
        mass = pz.log_prob(grid).exp().flatten() * (20 / 300) ** 2
    assert float(mass.sum()) == pytest.approx(1, abs=2e-3)
    mean = mass @ grid.reshape(-1, 2)
    variance = mass @ (grid.reshape(-1, 2) - mean).square()
    draws = pz.sample((20_000,)).reshape(-1, 2)
    assert bool(((draws.mean(0) - mean).abs() <= 5 * (variance / 20_000).sqrt() + 1e-3).all())
    torch.testing.assert_close(draws.var(0), variance, rtol=0.1, atol=0)


@pytest.mark.parametrize("flow", FLOWS)
def test_the_density_of_a_draw_is_that_of_the_same_value(flow: str) -> None:
    pz = moved(flow)(None)
    z = pz.rsample((50,))
    torch.testing.assert_close(pz.log_prob(z), pz.log_prob(z.clone()), rtol=0, atol=1e-8)


def test_it_learns_a_banana_better_than_any_gaussian() -> None:
    torch.manual_seed(0)
    train, held = bent(2000), bent(2000)
    prior = FlowPrior(2, "spline", num_transforms=2, hidden=16).double()
    optimizer = torch.optim.Adam(prior.parameters(), lr=0.01)
    for _ in range(150):
        loss = -prior(None).log_prob(train).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    covariance = torch.cov(train.T)
    gaussian = torch.distributions.MultivariateNormal(train.mean(0), covariance)
    with torch.no_grad():
        gain = float(prior(None).log_prob(held).mean() - gaussian.log_prob(held).mean())
    entropy = math.log(2 * math.pi * math.e) + math.log(0.2)
    best = float(-entropy - gaussian.log_prob(held).mean())
    assert gain > 0.7 * best > 0.5


@pytest.mark.parametrize("flow", FLOWS)
def test_it_starts_near_the_standard_normal(flow: str) -> None:
    torch.manual_seed(0)
    prior, z = FlowPrior(4, flow).double(), torch.randn(50, 4, dtype=DOUBLE)
    standard = torch.distributions.Independent(torch.distributions.Normal(torch.zeros_like(z), 1.0), 1)
    torch.testing.assert_close(prior(None).log_prob(z), standard.log_prob(z), rtol=0, atol=0.2)


def test_maps_cold_draws_and_refusals() -> None:
    prior = FlowPrior((2, 3, 3), hidden=8)
    assert prior(None).log_prob(prior(None).sample((4,))).shape == (4,)
    vae = VAE(DiagonalGaussian(MLP(4, 6), 2), FlowPrior(2, hidden=8), Bernoulli(MLP(2, 6), 4))
    cold = vae.draw_prior(10, temperature=1e-5)
    torch.testing.assert_close(cold, cold[:1].expand_as(cold), rtol=0, atol=1e-3)
    with pytest.raises(UserError, match='no flow "realnvpp"'):
        FlowPrior(2, "realnvpp")
    with pytest.raises(UserError, match='use flow="maf" for one'):
        FlowPrior(1)


def test_torch_keeps_its_checks() -> None:
    """In a process of its own: importing zuko, and compiling a model, both switch torch's checks off."""
    program = (
        "import torch; from vaekit import FlowPrior; FlowPrior(2)\n"
        "try: torch.distributions.Normal(0.0, torch.tensor(-1.0))\n"
        "except ValueError: print('checked')"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "checked"
