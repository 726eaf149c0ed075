"""DiscretizedLogisticMixture: the joint mass of a pixel's channels."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from vaekit import MLP
from vaekit import DiscretizedLogisticMixture as MixtureLikelihood
from vaekit.distributions import DiscretizedLogistic, DiscretizedLogisticMixture


def pixel(
    num_channels: int, num_components: int, levels: int, gain: float = 1.0
) -> DiscretizedLogisticMixture:
    """One pixel, (C, 1, 1), with random parameters."""
    generator = torch.Generator().manual_seed(3)

    def draw(*shape: int) -> torch.Tensor:
        return gain * torch.randn(*shape, 1, 1, num_components, generator=generator, dtype=torch.float64)

    return DiscretizedLogisticMixture(
        logits=draw(),
        loc=0.5 + 0.3 * draw(num_channels),
        scale=0.02
        + 0.2 * torch.rand(num_channels, 1, 1, num_components, generator=generator, dtype=torch.float64),
        coupling=torch.tanh(draw(num_channels * (num_channels - 1) // 2)),
        levels=levels,
    )


def every_pixel(num_channels: int, levels: int) -> torch.Tensor:
    """All values of one pixel, (levels^C, C, 1, 1)."""
    grid = [k / (levels - 1) for k in range(levels)]
    return torch.tensor(list(itertools.product(grid, repeat=num_channels)), dtype=torch.float64)[
        ..., None, None
    ]


@pytest.mark.parametrize("gain", [1.0, 30.0])
@pytest.mark.parametrize(("num_channels", "levels"), [(1, 256), (2, 16), (3, 2), (3, 8), (4, 5)])
def test_the_joint_of_the_channels_sums_to_1(num_channels: int, levels: int, gain: float) -> None:
    p = pixel(num_channels, 4, levels, gain)
    total = p.log_prob(every_pixel(num_channels, levels)).exp().sum()
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-9)


def test_draws_follow_the_joint() -> None:
    """Pearson's statistic of 64 cells is near 63; the 1 - 1e-6 quantile is 131."""
    p = pixel(3, 4, 4)
    num_draws = 50_000
    weights = torch.tensor([16.0, 4.0, 1.0], dtype=torch.float64)
    cells = (p.sample((num_draws,)).flatten(1) * 3).round() @ weights
    counts = torch.bincount(cells.long(), minlength=64)
    expected = num_draws * p.log_prob(every_pixel(3, 4)).exp()
    rare = expected < 5
    statistic = ((counts - expected) ** 2 / expected)[~rare].sum()
    statistic += (counts[rare].sum() - expected[rare].sum()) ** 2 / expected[rare].sum().clamp(min=1)
    assert statistic < 131


def test_the_mean_is_the_joints_mean() -> None:
    """With spreads of many levels and little clipping, rounding and plug-in means cost next to nothing."""
    p = pixel(3, 3, 32)
    p.loc, p.coupling, p.scale = 0.5 + 0.2 * (p.loc - 0.5), 0.3 * p.coupling, p.scale.clamp(0.04, 0.06)
    x = every_pixel(3, 32)
    mean = (p.log_prob(x).exp()[:, None, None, None] * x).sum(0)
    torch.testing.assert_close(p.mean, mean, rtol=0, atol=2e-3)


def test_green_follows_red_and_blue_follows_both() -> None:
    """Salimans et al., 2017, equation 3: the centre of a channel moves linearly with the channels before it."""
    p = pixel(3, 1, 16)
    x = torch.rand(10, 3, 1, 1, dtype=torch.float64)
    r, g, b = x[:, :, 0, 0].mul(15).round().div(15).unbind(1)
    (lr, lg, lb), (sr, sg, sb) = p.loc.flatten(), p.scale.flatten()
    rg, rb, gb = p.coupling.flatten()
    expected = (
        DiscretizedLogistic(lr, sr, 16).log_prob(r)
        + DiscretizedLogistic(lg + rg * (r - 0.5), sg, 16).log_prob(g)
        + DiscretizedLogistic(lb + rb * (r - 0.5) + gb * (g - 0.5), sb, 16).log_prob(b)
    )
    on_grid = torch.stack([r, g, b], 1)[..., None, None]
    torch.testing.assert_close(p.log_prob(on_grid), expected)


def test_one_component_without_channels_is_a_discretized_logistic() -> None:
    loc, scale = torch.rand(4, 6, dtype=torch.float64), torch.rand(4, 6, dtype=torch.float64) + 0.1
    x = torch.randint(16, (4, 6)).double() / 15
    mixture = DiscretizedLogisticMixture(
        torch.zeros(4, 6, 1), loc[None, ..., None], scale[None, ..., None], torch.zeros(0, 4, 6, 1),
        levels=16, num_pixel_dims=1, has_channels=False,
    )  # fmt: skip
    plain = DiscretizedLogistic(loc, scale, 16)
    torch.testing.assert_close(mixture.log_prob(x), plain.log_prob(x).sum(-1))
    torch.testing.assert_close(mixture.mean, plain.mean)


def test_a_mixture_fits_two_values_that_one_logistic_cannot() -> None:
    """Pixels of two values cost log 2. The values are inner ones: one logistic's edge bins could hold two ends."""
    torch.manual_seed(0)
    x = torch.where(torch.rand(256, 1) < 0.5, 4 / 15, 11 / 15).double()
    z = torch.zeros(256, 1, dtype=torch.float64)
    costs = {}
    for num_components in (1, 2):
        likelihood = MixtureLikelihood(MLP(1, ()), 1, num_components=num_components, levels=16).double()
        optimizer = torch.optim.Adam(likelihood.parameters(), lr=0.1)
        for _ in range(150):
            optimizer.zero_grad()
            loss = -likelihood(z).log_prob(x).mean()
            loss.backward()
            optimizer.step()
        costs[num_components] = loss.item()
    assert costs[2] < math.log(2) + 0.05
    assert costs[1] > costs[2] + 0.5
