"""Shrunk Gaussians, against scikit-learn's Ledoit-Wolf."""

from __future__ import annotations

import pytest
import torch
from sklearn.covariance import LedoitWolf

from vaekit.evaluation.mahalanobis import CrossFitted, Gaussian


@pytest.mark.parametrize(("num", "size"), [(300, 12), (20, 60)])
def test_distances_are_those_of_ledoit_and_wolf(num: int, size: int) -> None:
    torch.manual_seed(0)
    mix = torch.randn(size, size, dtype=torch.float64) / size
    x, new = (torch.randn(n, size, dtype=torch.float64) @ mix + 3 for n in (num, 50))
    expected = LedoitWolf().fit(x.numpy()).mahalanobis(new.numpy())
    assert torch.allclose(Gaussian(x).distance(new), torch.from_numpy(expected), rtol=1e-5)


def test_own_distances_are_like_those_of_new_examples() -> None:
    torch.manual_seed(1)
    spread = torch.linspace(-3, 1, 40).exp()
    x, new = torch.randn(80, 40) * spread, torch.randn(2000, 40) * spread
    found = CrossFitted(x)
    assert float(found.own.mean()) == pytest.approx(float(found.distance(new).mean()), rel=0.1)
    assert float(Gaussian(x).distance(x).mean()) < 0.8 * float(found.own.mean())


def test_constant_and_single_examples_have_finite_distances() -> None:
    for x in (torch.ones(1, 4), torch.ones(30, 4)):
        found = CrossFitted(x)
        assert bool(found.own.isfinite().all())
        assert bool(found.distance(torch.randn(3, 4)).isfinite().all())
        assert float(found.distance(torch.ones(1, 4))) == 0
