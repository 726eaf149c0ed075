"""Facts about a table's columns, for `vaekit check`."""

from __future__ import annotations

from typing import Any

import torch

from vaekit.data.dataset import Dataset
from vaekit.data.dates import write_date
from vaekit.schema import Column

SHOWN = 4


def describe_columns(dataset: Dataset) -> list[dict[str, Any]]:
    """name, kind, values (a sentence) and missing (cells of all parts) of each column, JSON-ready."""
    raw = torch.cat([part.raw for part in dataset.parts.values()])
    missing = raw.isnan().sum(0).tolist()
    return [
        {"name": column.name, "kind": column.kind, "values": values_of(column), "missing": count}
        for column, count in zip(dataset.schema.columns, missing)
    ]


def values_of(column: Column) -> str:
    """A column's values in words.

    Example:
        >>> values_of(Column("age", "integer", low=17, high=90, step=1, specials=(20.0,)))
        '17 to 90, 1 repeated value'
    """
    if column.is_category:
        first = ", ".join(column.categories[:SHOWN])
        more = len(column.categories) - SHOWN
        return first + (f" and {more:,} more" if more > 0 else "")
    if column.kind == "datetime":
        low, high = write_date(column.low, column.format), write_date(column.high, column.format)
    else:
        low, high = f"{column.low:g}", f"{column.high:g}"
    count = len(column.specials)
    repeated = f", {count} repeated value{'' if count == 1 else 's'}" if count else ""
    return f"{low} to {high}{repeated}"
