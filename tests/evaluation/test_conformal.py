"""Stretched intervals, against the factor by which draws are too narrow."""

from __future__ import annotations

import numpy as np
import pytest

from vaekit.evaluation.conformal import interval, stretch


def test_draws_half_as_wide_as_the_truth_are_stretched_to_the_level() -> None:
    random = np.random.default_rng(0)
    draws, held = random.normal(size=(400, 3000)), random.normal(size=(400, 3000))
    truth, new = 2 * random.normal(size=3000), 2 * random.normal(size=3000)
    for level in (0.5, 0.9):
        plain, wide = interval(draws, level), interval(draws, level, (held, truth))
        shares = [((low <= new) & (new <= high)).mean() for low, high in (plain, wide)]
        assert shares[0] < level - 0.1
        assert shares[1] == pytest.approx(level, abs=0.03)


def test_draws_that_are_too_wide_are_narrowed() -> None:
    random = np.random.default_rng(1)
    assert stretch(random.normal(size=(400, 2000)), random.normal(size=2000) / 4, 0.9) == pytest.approx(
        0.25, abs=0.03
    )


def test_point_masses_and_too_few_values_change_nothing() -> None:
    draws = np.zeros((50, 10))
    assert stretch(draws, np.ones(10), 0.9) == 1.0
    random = np.random.default_rng(2)
    assert stretch(random.normal(size=(50, 5)), 10 * np.ones(5), 0.9) == 1.0
    low, high = interval(draws, 0.9, (random.normal(size=(50, 200)), random.normal(size=200)))
    assert (low == 0).all()
    assert (high == 0).all()
