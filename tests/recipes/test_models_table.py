"""docs/models.md: a row for every recipe, and no row that names a recipe or part that does not exist."""

from __future__ import annotations

import re
from pathlib import Path

import vaekit
from vaekit.recipes import NAMES

TABLE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
ROWS = [line.split("|")[1:-1] for line in TABLE.splitlines() if line.startswith("| ")]


def test_every_recipe_has_a_row_and_every_row_a_recipe() -> None:
    named = {name for row in ROWS for name in re.findall(r"`(\w+)`", row[0])}
    assert named == set(NAMES)


def test_compositions_name_parts_that_exist() -> None:
    parts = {
        name
        for row in ROWS
        for code in re.findall(r"`([^`]+)`", row[3])
        for name in re.findall(r"[A-Z]\w+", code)
    }
    assert {"IWAE", "MMD", "Deterministic"} <= parts
    assert [name for name in sorted(parts) if not hasattr(vaekit, name)] == []


def test_rows_are_whole() -> None:
    for row in ROWS:
        assert len(row) == 5, row[0]
        assert all(cell.strip() for cell in row), row[0]
