"""Mixture: its density, its moments, its draws, and the short cut for diagonal Gaussians."""

from __future__ import annotations

import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from vaekit.distributions.mixture import Mixture, gaussian_log_probs

DOUBLE = torch.float64


def mixture(batch: tuple[int, ...] = (), num: int = 3, dim: int = 2) -> Mixture:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(*batch, num, generator=generator, dtype=DOUBLE)
    loc = 2 * torch.randn(*batch, num, dim, generator=generator, dtype=DOUBLE)
    scale = torch.rand(*batch, num, dim, generator=generator, dtype=DOUBLE) + 0.1
    where = [torch.arange(n).reshape(-1, *[1] * (len(batch) - i - 1)) for i, n in enumerate(batch)]

    def pick(index: torch.Tensor) -> Independent:
        return Independent(Normal(loc[(*where, index)], scale[(*where, index)]), 1)

    return Mixture(logits, Independent(Normal(loc, scale), 1), pick)


def test_density_and_moments_are_those_of_torch() -> None:
    for batch in ((), (4,)):
        ours = mixture(batch)
        theirs = MixtureSameFamily(Categorical(logits=ours.log_weights), ours.components)
        z = torch.randn(5, *batch, 2, dtype=DOUBLE)
        torch.testing.assert_close(ours.log_prob(z), theirs.log_prob(z))
        torch.testing.assert_close(ours.mean, theirs.mean)
        torch.testing.assert_close(ours.variance, theirs.variance)


def test_draws_follow_the_density() -> None:
    torch.manual_seed(0)
    for batch in ((), (4,)):
        pz = mixture(batch)
        draws = pz.sample((40_000,))
        assert draws.shape == (40_000, *batch, 2)
        error = 5 * (pz.variance / 40_000).sqrt()
        assert bool(((draws.mean(0) - pz.mean).abs() <= error).all())
        torch.testing.assert_close(draws.var(0), pz.variance, rtol=0.05, atol=0)
        # E[1 / p(z)] over a box of volume V is V where the density covers it: draws and density agree in shape too.
        inside = (draws.abs() < 0.5).all(-1)
        grid = torch.linspace(-0.5, 0.5, 101, dtype=DOUBLE)
        box = torch.cartesian_prod(grid, grid)
        box = box.reshape(-1, *[1] * len(batch), 2).expand(-1, *batch, 2)
        mass = pz.log_prob(box).exp().mean(0)
        spread = 5 * (mass * (1 - mass) / 40_000).sqrt() + 2e-3
        assert bool(((inside.double().mean(0) - mass).abs() <= spread).all())


def test_a_low_temperature_leaves_the_component_means() -> None:
    pz = mixture()
    draws = pz.tempered(1e-6).sample((50,))
    distance = (draws[:, None] - pz.components.mean).norm(dim=-1).min(-1).values
    assert float(distance.max()) < 1e-4


def test_the_product_form_keeps_float32_accuracy_where_spreads_are_small() -> None:
    """A spread of 0.01 at distance 5 from the origin: the naive product in float32 would be off by tens of nats."""
    loc, scale = 5 + torch.randn(7, 40), torch.full((7, 40), 0.01)
    components = Independent(Normal(loc, scale), 1)
    z = loc[:4] + 0.01 * torch.randn(4, 40)
    expected = Independent(Normal(loc.double(), scale.double()), 1).log_prob(z.double()[:, None])
    found = gaussian_log_probs(components, z)
    assert found is not None
    torch.testing.assert_close(found.double(), expected, rtol=1e-6, atol=1e-3)
