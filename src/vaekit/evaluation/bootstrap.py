"""Intervals: how far a mean over examples could have come out elsewhere, had other examples been drawn."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

LEVEL = 0.95
NUM_RESAMPLES = 1000
NORMAL = 1.959964
"""Standard errors on either side of a 95 % interval."""
CELLS = 2**22
"""Indices drawn at a time: 32 MB."""


def bootstrap_interval(
    values: Tensor, *, level: float = LEVEL, num_resamples: int = NUM_RESAMPLES, seed: int = 0
) -> list[float] | None:
    """Percentile interval of the mean over independent examples. Efron, 1979.

    Args:
        values: one figure an example, (N,).
        level: the share of intervals that hold the true mean.
        num_resamples: sets of N examples drawn with replacement.
        seed: the same seed gives the same interval.

    Returns:
        [low, high], or None for fewer than two examples.

    Example:
        >>> low, high = bootstrap_interval(torch.arange(100.0))
        >>> 40 < low < 49.5 < high < 59
        True
    """
    values = values.detach().cpu().double()
    num = len(values)
    if num < 2:
        return None
    generator = torch.Generator().manual_seed(seed)
    rows = max(1, CELLS // num)
    means = []
    for start in range(0, num_resamples, rows):
        drawn = torch.randint(num, (min(rows, num_resamples - start), num), generator=generator)
        means.append(values[drawn].mean(-1))
    tails = torch.tensor([(1 - level) / 2, (1 + level) / 2], dtype=torch.float64)
    return torch.quantile(torch.cat(means), tails).tolist()


def with_interval(name: str, value: float, error: float) -> dict[str, Any]:
    """A figure, its standard error and its 95 % interval by it, under their names in the results.

    Example:
        >>> with_interval("fid", 10.0, math.nan)
        {'fid': 10.0, 'fid_se': None, 'fid_interval': None}
    """
    known = math.isfinite(error)
    interval = [value - NORMAL * error, value + NORMAL * error] if known else None
    return {name: value, f"{name}_se": error if known else None, f"{name}_interval": interval}
