"""Intervals of draws, stretched so that they cover held-out values as often as they say."""

from __future__ import annotations

import math

import numpy as np


def interval(
    draws: np.ndarray, level: float, held: tuple[np.ndarray, np.ndarray] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Ends between which a share `level` of the draws lies, each moved away from the median by the factor with which
    the ends cover that share of held-out values: split conformal prediction, after Romano, Patterson and Candès,
    "Conformalized Quantile Regression", 2019, with widths that scale instead of shift.

    If held-out values are exchangeable with the ones asked for, the coverage is right whatever the draws are.

    Args:
        draws: (M, ...) draws of each value.
        level: between 0 and 1.
        held: draws (M', S) of S held-out values, and the values (S,).

    Returns:
        The lower and the upper end of each value, (...).
    """
    low, middle, high = _quantiles(draws, level)
    factor = 1.0 if held is None else stretch(*held, level)
    return middle + factor * (low - middle), middle + factor * (high - middle)


def stretch(draws: np.ndarray, truth: np.ndarray, level: float) -> float:
    """The factor by which intervals of draws (M, S) must grow about their medians to hold a share `level` of (S,)
    values; 1 where there are too few values to say.

    Where the draws agree, no factor helps: such values, the point masses of a column, have no say.

    Example:
        >>> draws = np.random.default_rng(0).normal(size=(1000, 500))
        >>> bool(2.5 < stretch(draws, 3 * draws[0], 0.9) < 3.5)
        True
    """
    low, middle, high = _quantiles(draws, level)
    room = np.where(truth >= middle, high - middle, middle - low)
    known = room > 0
    ratios = np.sort(np.abs(truth - middle)[known] / room[known])
    rank = math.ceil((len(ratios) + 1) * level)
    return float(ratios[rank - 1]) if 0 < rank <= len(ratios) else 1.0


def _quantiles(draws: np.ndarray, level: float) -> np.ndarray:
    """The two ends and the median, (3, ...)."""
    tail = (1 - level) / 2
    low, middle, high = np.quantile(draws, [tail, 0.5, 1 - tail], axis=0)
    return np.stack([low, middle, high])
