"""MixturePrior: full covariances, classes with mixtures of their own, and learning by gradient."""

from __future__ import annotations

import pytest
import torch
from torch.distributions import MultivariateNormal

from vaekit import MLP, VAE, Bernoulli, DiagonalGaussian, MixturePrior, UserError

DOUBLE = torch.float64


@pytest.mark.parametrize("covariance", ["diagonal", "full"])
def test_set_components_is_that_mixture(covariance: str) -> None:
    torch.manual_seed(0)
    prior = MixturePrior(3, 4, covariance=covariance).double()
    weights, loc = torch.rand(4, dtype=DOUBLE).softmax(0), torch.randn(4, 3, dtype=DOUBLE)
    root = torch.randn(4, 3, 3, dtype=DOUBLE)
    full = root @ root.mT + 0.1 * torch.eye(3, dtype=DOUBLE)
    if covariance == "diagonal":
        full = torch.diag_embed(full.diagonal(dim1=-2, dim2=-1))
    given = full if covariance == "full" else full.diagonal(dim1=-2, dim2=-1)
    prior.set_components(weights, loc, given)
    z = torch.randn(6, 3, dtype=DOUBLE)
    expected = (weights.log() + MultivariateNormal(loc, full).log_prob(z[:, None])).logsumexp(-1)
    pz = prior(None)
    torch.testing.assert_close(pz.log_prob(z), expected)
    draws = pz.sample((50_000,))
    centred = draws - draws.mean(0)
    mean = weights @ loc
    apart = loc - mean
    total = (weights[:, None, None] * (full + apart[:, :, None] * apart[:, None, :])).sum(0)
    torch.testing.assert_close(centred.T @ centred / 50_000, total, rtol=0.08, atol=0.08)


def test_every_class_has_its_own_mixture() -> None:
    prior = MixturePrior(2, 3, condition=4).double()
    alone = MixturePrior(2, 3).double()
    with torch.no_grad():
        for mine, other in zip(alone.parameters(), prior.parameters(), strict=True):
            mine.copy_(other[2:3])
    y = torch.eye(4, dtype=DOUBLE)[[2, 0, 2]]
    z = torch.randn(5, 3, 2, dtype=DOUBLE)
    torch.testing.assert_close(prior(None, y).log_prob(z)[:, [0, 2]], alone(None).log_prob(z[:, [0, 2]]))
    assert prior(None, y).sample().shape == (3, 2)
    with pytest.raises(UserError, match="no class came"):
        prior(None)


def test_shaped_latents_are_the_flat_ones() -> None:
    flat, maps = MixturePrior(12, 3).double(), MixturePrior((3, 2, 2), 3).double()
    maps.load_state_dict(flat.state_dict())
    z = torch.randn(5, 3, 2, 2, dtype=DOUBLE)
    torch.testing.assert_close(maps(None).log_prob(z), flat(None).log_prob(z.flatten(1)))
    assert maps(None).sample((7,)).shape == (7, 3, 2, 2)


def test_gradient_ascent_finds_two_clusters() -> None:
    torch.manual_seed(0)
    z = torch.randn(1000, 1, dtype=DOUBLE) * 0.3 + torch.where(torch.rand(1000, 1) < 0.25, -2.0, 2.0)
    prior = MixturePrior(1, 2).double()
    optimizer = torch.optim.Adam(prior.parameters(), lr=0.05)
    for _ in range(300):
        loss = -prior(None).log_prob(z).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    loc, order = prior.loc.detach()[0, :, 0].sort()
    torch.testing.assert_close(loc, torch.tensor([-2.0, 2.0], dtype=DOUBLE), rtol=0, atol=0.1)
    weights = prior.logits.detach()[0].softmax(-1)[order]
    torch.testing.assert_close(weights, torch.tensor([0.25, 0.75], dtype=DOUBLE), rtol=0, atol=0.05)


def test_a_cold_model_draws_the_component_means() -> None:
    vae = VAE(DiagonalGaussian(MLP(4, 6), 2), MixturePrior(2, 5, covariance="full"), Bernoulli(MLP(2, 6), 4))
    z = vae.draw_prior(20, temperature=1e-5)
    distance = (z[:, None] - vae.prior.loc[0].detach()).norm(dim=-1).min(-1).values
    assert float(distance.max()) < 1e-3


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UserError, match="at least 1"):
        MixturePrior(2, 0)
    with pytest.raises(UserError, match='no covariance "ful"'):
        MixturePrior(2, 3, covariance="ful")
