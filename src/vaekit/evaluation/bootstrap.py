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
KEPT = 200_000
"""Examples whose figures are held one by one."""
CELLS = 2**18
"""Indices drawn at a time: 2 MB."""


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


class Figures:
    """A figure of each example as batches come, (B,) or (L, B): one by one while they are few, then their mean and
    spread alone, so that any number of examples takes the same memory. Chan et al., 1979.

    Example:
        >>> figures = Figures()
        >>> figures.add(torch.tensor([1.0, 2.0]))
        >>> figures.add(torch.tensor([6.0]))
        >>> figures.mean.item(), round(figures.standard_error, 3)
        (3.0, 1.528)
    """

    def __init__(self) -> None:
        self.kept: list[Tensor] | None = []
        self.num = 0
        self._mean = self._squares = torch.zeros((), dtype=torch.float64)

    def add(self, values: Tensor) -> None:
        """Take in the figures of some examples."""
        values = values.detach().cpu().double()
        if self.kept is not None:
            self.kept.append(values)
        num, mean = values.shape[-1], values.mean(-1)
        squares, shift, total = (
            (values - mean.unsqueeze(-1)).square().sum(-1),
            mean - self._mean,
            self.num + values.shape[-1],
        )
        self._squares = self._squares + squares + shift.square() * (self.num * num / total)
        self._mean, self.num = self._mean + shift * (num / total), total
        if self.num > KEPT:
            self.kept = None

    @property
    def mean(self) -> Tensor:
        """The mean over examples, () or (L,)."""
        return self._mean if self.kept is None else torch.cat(self.kept, -1).mean(-1)

    @property
    def standard_error(self) -> float:
        """Of the mean; NaN for fewer than two examples."""
        if self.num < 2:
            return math.nan
        if self.kept is not None:
            return float(torch.cat(self.kept, -1).std() / math.sqrt(self.num))
        return math.sqrt(float(self._squares) / (self.num - 1) / self.num)

    @property
    def interval(self) -> list[float] | None:
        """95 % interval of the mean: by the bootstrap, of many examples by the normal law, which is then the same."""
        if self.kept is not None:
            return bootstrap_interval(torch.cat(self.kept, -1))
        half = NORMAL * self.standard_error
        return [float(self.mean) - half, float(self.mean) + half]


def with_interval(name: str, value: float, error: float) -> dict[str, Any]:
    """A figure, its standard error and its 95 % interval by it, under their names in the results.

    Example:
        >>> with_interval("fid", 10.0, math.nan)
        {'fid': 10.0, 'fid_se': None, 'fid_interval': None}
    """
    known = math.isfinite(error)
    interval = [value - NORMAL * error, value + NORMAL * error] if known else None
    return {name: value, f"{name}_se": error if known else None, f"{name}_interval": interval}
