"""What each latent dimension tells of x, where the prior gives no term for it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from vaekit.explorer.points import information_bound


def test_it_is_the_information_itself_of_normal_codes() -> None:
    # z = s x + 0.5 noise with x ~ N(0, 1): I(x; z) = 0.5 log(1 + (s / 0.5)^2); the second dimension tells nothing.
    x = np.random.default_rng(0).standard_normal(200_000)
    mean = np.stack([2 * x, 0 * x + 3], -1)
    found = information_bound(mean, np.full_like(mean, 0.5))
    assert found == pytest.approx([0.5 * math.log(1 + 16), 0.0], abs=0.01)


def test_it_is_an_upper_bound_of_other_codes() -> None:
    # Two places, far apart and narrow: one bit, whatever their distance.
    sign = np.tile([-1.0, 1.0], 500)[:, None]
    for distance in (3.0, 30.0):
        assert information_bound(distance * sign, np.full_like(sign, 0.3))[0] > math.log(2)


def test_each_example_counts_with_its_own_spread() -> None:
    std = np.exp(np.random.default_rng(1).normal(-2, 0.7, (100_000, 1)))
    mean = np.zeros_like(std)
    # h(z) - E h(z|x) of a scale mixture; by Jensen's inequality above 0 though all means agree.
    expected = 0.5 * (math.log(np.square(std).mean()) - 2 * np.log(std).mean())
    assert information_bound(mean, std)[0] == pytest.approx(expected)
    assert expected > 0.3
