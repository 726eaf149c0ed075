"""Calibrated: the fitted scale is the best there is, and draws use the other one."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.distributions import Laplace, Normal

from vaekit.distributions import Calibrated


def root_mean_square(errors: Tensor) -> Tensor:
    return errors.square().mean().sqrt()


def mean_absolute(errors: Tensor) -> Tensor:
    return errors.abs().mean()


@pytest.mark.parametrize(("family", "fit"), [(Normal, root_mean_square), (Laplace, mean_absolute)])
def test_no_other_scale_gives_the_value_a_higher_density(family: type, fit: object) -> None:
    loc, x = torch.randn(2, 5, 3, 4, dtype=torch.float64), torch.randn(5, 3, 4, dtype=torch.float64)
    p = Calibrated(family, loc, torch.tensor(7.0).double(), fit, event_dim=2)  # type: ignore[arg-type]
    assert (p.batch_shape, p.event_shape) == ((2, 5), (3, 4))
    best = p.log_prob(x).sum()
    for scale in torch.logspace(-1, 1, 41, dtype=torch.float64):
        assert best >= family(loc, scale).log_prob(x).sum() - 1e-9
    draws = p.rsample((2000,))
    torch.testing.assert_close(fit(draws - p.mean), torch.tensor(7.0).double(), rtol=0.02, atol=0)  # type: ignore[operator]
    torch.testing.assert_close(p.variance, family(loc, 7.0).variance)
