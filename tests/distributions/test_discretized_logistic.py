"""DiscretizedLogistic against the plain difference of two distribution functions."""

from __future__ import annotations

import pytest
import torch

from vaekit.distributions import DiscretizedLogistic
from vaekit.distributions.discretized_logistic import clipped_mean, to_level


def plain_masses(loc: float, scale: float, levels: int) -> torch.Tensor:
    """sigmoid(right edge) - sigmoid(left edge) of every bin, as the papers write it."""
    edges = (torch.arange(levels - 1, dtype=torch.float64) + 0.5) / (levels - 1)
    below = torch.sigmoid((edges - loc) / scale)
    zero, one = torch.zeros(1, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    return torch.cat([below, one]) - torch.cat([zero, below])


@pytest.mark.parametrize("levels", [2, 3, 16, 256])
@pytest.mark.parametrize(("loc", "scale"), [(0.5, 0.1), (0.02, 0.3), (1.3, 0.2), (-0.4, 1.0), (0.7, 5.0)])
def test_equals_the_plain_formula(loc: float, scale: float, levels: int) -> None:
    x = torch.arange(levels, dtype=torch.float64) / (levels - 1)
    p = DiscretizedLogistic(
        torch.tensor(loc, dtype=torch.float64), torch.tensor(scale, dtype=torch.float64), levels
    )
    torch.testing.assert_close(p.log_prob(x).exp(), plain_masses(loc, scale, levels), rtol=1e-9, atol=1e-14)


@pytest.mark.parametrize("scale", [1e-5, 1e-3, 1.0, 1e3])
@pytest.mark.parametrize("loc", [-50.0, 0.0, 0.4, 1.0, 50.0])
@pytest.mark.parametrize("x", [0.0, 100 / 255, 1.0])
def test_float32_tails_stay_exact_where_the_plain_formula_underflows(
    x: float, loc: float, scale: float
) -> None:
    results = []
    for dtype in (torch.float32, torch.float64):
        # The same numbers in both: those that float32 can hold.
        params = [torch.tensor(v).to(dtype).requires_grad_() for v in (loc, scale)]
        log_p = DiscretizedLogistic(*params, 256).log_prob(torch.tensor(x).to(dtype))
        results.append([v.double() for v in (log_p, *torch.autograd.grad(log_p, params))])
    for single, double in zip(*results, strict=True):
        assert bool(torch.isfinite(single))
        torch.testing.assert_close(single, double, rtol=1e-4, atol=1e-6)


def test_values_are_rounded_to_the_grid() -> None:
    assert to_level(torch.tensor([0.0, 0.49 / 7, 0.51 / 7, 1.0, 1.2, -0.1]), 8).tolist() == [0, 0, 1, 7, 7, 0]
    p = DiscretizedLogistic(torch.tensor(0.3), torch.tensor(0.1), 8)
    assert p.log_prob(torch.tensor(0.49 / 7)) == p.log_prob(torch.tensor(0.0))


@pytest.mark.parametrize("loc", [-0.5, 0.0, 0.31, 1.2])
@pytest.mark.parametrize("spread", [0.05, 1.0, 3.0, 300.0])
def test_the_closed_mean_is_within_half_a_level(loc: float, spread: float) -> None:
    """And, by the midpoint rule's error, close to 1 / (96 spread) levels for a spread of a level or more."""
    levels = 64
    scale = spread / (levels - 1)
    exact = float((plain_masses(loc, scale, levels) * torch.arange(levels)).sum())
    closed = float(clipped_mean(torch.tensor(loc).double(), torch.tensor(scale).double())) * (levels - 1)
    assert abs(closed - exact) <= (0.5 if spread < 1 else 1.1 / (96 * spread))


def test_expand() -> None:
    p = DiscretizedLogistic(torch.tensor(0.3), torch.tensor(0.1), 8).expand((3, 2))
    assert p.sample().shape == p.mean.shape == (3, 2)
