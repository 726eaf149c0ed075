"""Shape and trend errors, against values by hand and by scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import ks_2samp

from vaekit import UserError, table_similarity
from vaekit.schema import Column

COLUMNS = (
    Column("x", "continuous"), Column("y", "integer"), Column("c", "categorical", categories=("a", "b", "c")),
)  # fmt: skip


def table(seed: int, number: int = 500, slope: float = 1.0) -> np.ndarray:
    random = np.random.default_rng(seed)
    x = random.normal(size=number)
    return np.stack(
        [x, np.round(slope * x * 3 + random.normal(size=number)), random.integers(0, 3, number)], 1
    )


def test_shapes_are_scipys_statistic_and_the_total_variation() -> None:
    real, new = table(0), table(1, 300)
    found = table_similarity(real, new, COLUMNS)
    assert found.shapes[0] == pytest.approx(ks_2samp(real[:, 0], new[:, 0]).statistic)
    assert found.shapes[1] == pytest.approx(ks_2samp(real[:, 1], new[:, 1]).statistic)
    shares = [np.bincount(t[:, 2].astype(int)) / len(t) for t in (real, new)]
    assert found.shapes[2] == pytest.approx(np.abs(shares[0] - shares[1]).sum() / 2)
    assert found.shape_error == pytest.approx(found.shapes.mean())


def test_trends_of_numbers_are_half_the_difference_of_correlations() -> None:
    real, new = table(0), table(1, slope=-1.0)
    expected = abs(np.corrcoef(real[:, :2].T)[0, 1] - np.corrcoef(new[:, :2].T)[0, 1]) / 2
    found = table_similarity(real, new, COLUMNS)
    assert found.trends[0, 1] == found.trends[1, 0] == pytest.approx(expected)
    assert np.isnan(np.diag(found.trends)).all()


def test_a_trend_with_a_category_is_the_distance_of_two_contingency_tables() -> None:
    # Two categories that agree in the real table and are independent in the new one.
    columns = (Column("a", "binary", categories=("0", "1")), Column("b", "binary", categories=("0", "1")))
    real = np.array([[0, 0], [1, 1]] * 50, float)
    new = np.array([[0, 0], [1, 1], [0, 1], [1, 0]] * 50, float)
    found = table_similarity(real, new, columns)
    assert found.shape_error == 0
    assert found.trend_error == pytest.approx(0.5)


def test_a_table_is_like_itself_and_missing_cells_count() -> None:
    real = table(0)
    assert table_similarity(real, real, COLUMNS).shape_error == 0
    assert table_similarity(real, real, COLUMNS).trend_error == 0
    holed = real.copy()
    holed[:50, 2] = np.nan
    assert table_similarity(real, holed, COLUMNS).shapes[2] == pytest.approx(0.1)
    with pytest.raises(UserError, match="3 columns"):
        table_similarity(real, real[:, :2], COLUMNS)
