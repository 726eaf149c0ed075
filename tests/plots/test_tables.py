"""Pictures of tables: what they say can be read back from their axes."""

from __future__ import annotations

import numpy as np
import pytest

from vaekit import Schema
from vaekit.plots import dependence, marginals
from vaekit.plots.dependence import cramers_v, strengths
from vaekit.schema import Column

SCHEMA = Schema(
    "table",
    (4,),
    name="people",
    columns=(
        Column("city", "categorical", categories=("Bonn", "Köln", "Ulm")),
        Column("age", "integer", low=18, high=30, step=1.0),
        Column("income", "continuous", low=0, high=10),
        Column("day", "datetime", low=19723, high=20000, step=1.0, format="%Y-%m-%d"),
    ),
)


def rows(seed: int, number: int = 300) -> np.ndarray:
    random = np.random.default_rng(seed)
    age = random.integers(18, 31, number)
    made = np.stack(
        [(age > 24) * 2.0, age, random.exponential(3, number), random.integers(19723, 20000, number)], 1
    )
    made[::7, 0] = np.nan
    return made


def test_bars_are_shares_of_the_cells_that_are_there() -> None:
    real = rows(0)
    figure = marginals(real, rows(1), SCHEMA)
    city, age, _, day = figure.axes
    assert [a.get_title(loc="left") for a in figure.axes] == ["city", "age", "income", "day"]
    heights = [bar.get_height() for bar in city.patches[:3]]
    there = real[~np.isnan(real[:, 0]), 0]
    assert heights == pytest.approx(sorted([(there == k).mean() for k in range(3)], reverse=True))
    assert age.patches[0].get_data().values.sum() == pytest.approx(1.0)
    assert all(label.get_text().startswith("20") for label in day.get_xticklabels())


def test_the_data_alone_is_one_set_of_bars() -> None:
    figure = marginals(rows(0), None, SCHEMA)
    assert len(figure.axes[0].patches) == 3


def test_dependence_shows_both_tables_and_their_difference() -> None:
    figure = dependence(rows(0), rows(1), SCHEMA)
    first, second, difference = (ax.images[0].get_array() for ax in figure.axes[:3])
    assert first.shape == (4, 4)
    assert np.allclose(difference, np.abs(first - second))
    assert first[0, 1] > 0.9, "the city follows from the age"
    assert first[0, 2] < 0.2


def test_cramers_v_knows_independence_and_identity() -> None:
    random = np.random.default_rng(0)
    a, b = random.integers(0, 5, 4000), random.integers(0, 4, 4000)
    assert cramers_v(a, b) < 0.04
    assert cramers_v(a, (a + 1) % 5) == pytest.approx(1.0, abs=1e-3)
    table = np.stack([a, a], 1).astype(float)
    columns = (Column("a", "categorical", categories=tuple("abcde")), Column("n", "integer", step=1.0))
    assert strengths(table, table, columns)[0, 1] > 0.99
