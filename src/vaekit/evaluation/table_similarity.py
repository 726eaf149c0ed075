"""Shape and trend errors of a synthetic table, by the definitions of SDMetrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from vaekit.errors import UserError
from vaekit.schema import Column

NUM_BINS = 10


@dataclass
class TableSimilarity:
    """How unlike two tables are; all between 0 and 1.

    Args:
        shapes: (C,) error of each column: the Kolmogorov-Smirnov statistic of numbers and dates (1 - KSComplement),
            the total variation distance of categories (1 - TVComplement).
        trends: (C, C) error of each pair, symmetric, NaN on the diagonal: half the difference of the correlations of
            two numbers (1 - CorrelationSimilarity), else the total variation distance of the contingency tables,
            numbers in 10 bins of the real range (1 - ContingencySimilarity).
    """

    shapes: np.ndarray
    trends: np.ndarray

    @property
    def shape_error(self) -> float:
        """Mean over the columns."""
        return float(self.shapes.mean())

    @property
    def trend_error(self) -> float:
        """Mean over the pairs."""
        return float(np.nanmean(self.trends)) if len(self.shapes) > 1 else 0.0


def table_similarity(real: np.ndarray, synthetic: np.ndarray, columns: Sequence[Column]) -> TableSimilarity:
    """Compare two tables column by column and pair by pair.

    Missing cells of categories count as a category of their own, as they do where they are written "?"; missing numbers
    are left out.

    Args:
        real, synthetic: (N, C) and (M, C) cells in their own units, NaN where missing.
        columns: what they are.

    Raises:
        UserError: other numbers of columns.
    """
    if real.shape[1] != len(columns) or synthetic.shape[1] != len(columns):
        raise UserError(f"Tables of {len(columns)} columns are compared; {real.shape} and {synthetic.shape} came.")
    num = len(columns)
    codes = [_codes(real[:, j], synthetic[:, j], column) for j, column in enumerate(columns)]
    shapes = np.array([
        total_variation(a, b) if column.is_category else kolmogorov_smirnov(real[:, j], synthetic[:, j])
        for j, (column, (a, b)) in enumerate(zip(columns, codes))
    ])  # fmt: skip
    trends = np.full((num, num), np.nan)
    for i, j in combinations(range(num), 2):
        if columns[i].is_category or columns[j].is_category:
            width = 1 + max(int(c.max()) for c in codes[j])
            error = total_variation(*(codes[i][k] * width + codes[j][k] for k in (0, 1)))
        else:
            error = abs(_correlation(real[:, [i, j]]) - _correlation(synthetic[:, [i, j]])) / 2
        trends[i, j] = trends[j, i] = error
    return TableSimilarity(shapes, trends)


def kolmogorov_smirnov(a: np.ndarray, b: np.ndarray) -> float:
    """Largest difference of the two distribution functions; 1 where one side has no values.

    Example:
        >>> kolmogorov_smirnov(np.array([0.0, 1.0]), np.array([1.0, 1.0]))
        0.5
    """
    a, b = np.sort(a[~np.isnan(a)]), np.sort(b[~np.isnan(b)])
    if not len(a) or not len(b):
        return float(len(a) != len(b))
    at = np.concatenate([a, b])
    below = [np.searchsorted(side, at, "right") / len(side) for side in (a, b)]
    return float(np.abs(below[0] - below[1]).max())


def total_variation(a: np.ndarray, b: np.ndarray) -> float:
    """Half the summed difference of the shares of each code.

    Example:
        >>> total_variation(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
        0.25
    """
    size = 1 + max(int(a.max()), int(b.max()))
    shares = [np.bincount(side, minlength=size) / len(side) for side in (a, b)]
    return float(np.abs(shares[0] - shares[1]).sum() / 2)


def _codes(real: np.ndarray, synthetic: np.ndarray, column: Column) -> tuple[np.ndarray, np.ndarray]:
    """Both columns as codes, a missing cell as the last one."""
    if column.is_category:
        last, sides = len(column.categories), [real, synthetic]
    else:
        edges = np.histogram_bin_edges(real[~np.isnan(real)], NUM_BINS)[1:-1]
        last = NUM_BINS
        sides = [np.where(np.isnan(v), np.nan, np.searchsorted(edges, v, "right")) for v in (real, synthetic)]
    coded = [np.where(np.isnan(v), last, v).astype(np.int64) for v in sides]
    return coded[0], coded[1]


def _correlation(pair: np.ndarray) -> float:
    """Pearson's, over rows where both are there; 0 where one is constant."""
    pair = pair[~np.isnan(pair).any(1)]
    if len(pair) < 2 or (pair.std(0) == 0).any():
        return 0.0
    return float(np.corrcoef(pair.T)[0, 1])
