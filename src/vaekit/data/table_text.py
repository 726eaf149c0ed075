"""Rows of a table back in their own units, types and categories, and into a file."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from torch import Tensor

from vaekit.data.dates import write_date
from vaekit.data.frames import import_polars
from vaekit.errors import UserError
from vaekit.schema import Column, Schema


def to_raw(x: Tensor, schema: Schema) -> np.ndarray:
    """x (N, C) of the model in the table's own units, float64: whole numbers whole, in the training part's range."""
    raw = x.detach().double().cpu().numpy() * np.asarray(schema.scale) + np.asarray(schema.offset)
    for j, column in enumerate(schema.columns):
        if column.is_category:
            raw[:, j] = np.clip(np.round(raw[:, j]), 0, len(column.categories) - 1)
            continue
        raw[:, j] = np.clip(raw[:, j], column.low, column.high)
        if column.step:
            raw[:, j] = np.round(raw[:, j])
        elif column.decimals >= 0:
            raw[:, j] = np.round(raw[:, j], column.decimals)
    return raw


def to_text(cells: np.ndarray, column: Column) -> list[str | None]:
    """Cells (N,) in their own units as the source would write them, None where missing.

    Example:
        >>> to_text(np.array([1.0, np.nan]), Column("sex", "binary", categories=("f", "m")))
        ['m', None]
    """
    return [None if np.isnan(v) else _text(v, column) for v in cells.tolist()]


def _text(value: float, column: Column) -> str:
    if column.is_category:
        return column.categories[int(value)]
    if column.kind == "datetime":
        return write_date(value, column.format)
    if column.step:
        return str(round(value))
    return f"{value:.{column.decimals}f}" if column.decimals >= 0 else f"{value:.7g}"


def to_frame(raw: np.ndarray, schema: Schema, extra: Mapping[str, Sequence[Any]] | None = None) -> Any:
    """Rows (N, C) as a polars frame: numbers as numbers, the rest as text; `extra` columns behind them."""
    pl = import_polars()
    made = {}
    for j, column in enumerate(schema.columns):
        cells = raw[:, j]
        if column.is_category or column.kind == "datetime":
            made[column.name] = pl.Series(column.name, to_text(cells, column), dtype=pl.String)
            continue
        series = pl.Series(column.name, cells).fill_nan(None)
        made[column.name] = series.cast(pl.Int64) if column.step else series
    return pl.DataFrame({**made, **dict(extra or {})})


def table_bytes(frame: Any, suffix: str) -> bytes:
    """A frame as the content of a .csv, .tsv or .parquet file; missing cells are empty.

    Raises:
        UserError: another suffix.
    """
    buffer = io.BytesIO()
    if suffix == ".parquet":
        frame.write_parquet(buffer)
    elif suffix in (".csv", ".tsv"):
        frame.write_csv(buffer, separator="\t" if suffix == ".tsv" else ",")
    else:
        raise UserError(f"A table is written as .csv, .tsv or .parquet; {suffix} came.")
    return buffer.getvalue()
