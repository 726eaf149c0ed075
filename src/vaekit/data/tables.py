"""Tables: a frame of text to float64 rows, and the columns as the training part shows them."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from pathlib import Path
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from vaekit.data.dates import dates_of
from vaekit.data.frames import (
    as_text,
    from_any_frame,
    import_polars,
    is_frame,
    read_frame,
    split_missing,
)
from vaekit.data.kinds import count_as_missing, parse_types, read_column
from vaekit.data.source import Block, Source
from vaekit.errors import UserError
from vaekit.schema import Column, Schema

if TYPE_CHECKING:
    import polars as pl

MIN_COUNT, MIN_SHARE, MAX_SPECIALS = 20, 0.001, 200
"""A number is special, with a probability of its own, if so many cells and such a share of them hold it."""
NUM_KNOTS = 65
FARTHEST = 1e30
"""Spreads from the middle of a column that a model's 32-bit numbers hold."""


def read_table(data: Any, types: Any = None, *, max_cells: int | None = None, seed: int = 0) -> Source:
    """The source of a CSV or Parquet file, or of a frame.

    Args:
        data: a path, or a polars or pandas frame.
        types: kinds of columns in place of the inferred ones, `age=integer,education=ordinal`.
        max_cells: of a larger file a random sample of the rows is read; by default as many cells as the memory holds.
        seed: of that sample.

    Raises:
        UserError: whatever is wrong with the table, in one sentence.
    """
    if is_frame(data):
        frame, name = from_any_frame(data), "frame"
        notes: list[str] = []
        digest = hashlib.sha256(json.dumps(frame.to_dict(as_series=False)).encode())
        identity: dict[str, Any] = {
            "data": "<array>",
            "shape": list(frame.shape),
            "sha256": digest.hexdigest(),
        }
    else:
        frame, notes, limit = read_frame(Path(data), max_cells=max_cells, seed=seed)
        name = Path(data).name.split(".")[0]
        # Elsewhere, or later, the memory may be another one, and the sample has to stay the same.
        identity = {} if limit is None else {"max_cells": limit}
    columns, block, more = encode(frame, types)
    return Source(name, "table", {"all": block}, None, dtype="float64", columns=columns, notes=[*notes, *more],
                  identity=identity)  # fmt: skip


def encode(frame: pl.DataFrame, types: Any = None) -> tuple[tuple[Column, ...], Block, list[str]]:
    """The columns of a frame of text that can be learned from, their cells (N, C), and notes.

    Raises:
        UserError: no such column, no column left.
    """
    asked = parse_types(types, frame.columns)
    frame, missing = split_missing(frame)
    notes = [_missing_note(missing, frame.height * frame.width)] if missing else []
    columns: list[Column] = []
    values: list[np.ndarray] = []
    for series in frame:
        reading = read_column(series, asked.get(series.name))
        notes += reading.notes
        if reading.column is not None and reading.values is not None:
            columns.append(reading.column)
            values.append(reading.values)
    if len(columns) < 1:
        raise UserError(f"No column of {frame.width:,} is left to learn from. For example: {notes[-1]}")
    return tuple(columns), Block(np.stack(values, 1)), notes


def _missing_note(counts: dict[str, int], cells: int) -> str:
    shown = ", ".join(f"{count:,} {'empty' if text == '' else text}" for text, count in counts.items())
    total = sum(counts.values())
    return f"{total:,} of {cells:,} cells ({total / cells:.1%}) are missing: {shown}. They are not filled in; the " \
           "model learns from the others."  # fmt: skip


def table_schema(source: Source, blocks: dict[str, Block]) -> Schema:
    """The schema of a table by its training part; categories unseen there become missing in every block."""
    train = blocks["train"].raw
    columns, offsets, scales = [], [], []
    for j, column in enumerate(source.columns):
        cells = train[:, j]
        found = cells[~np.isnan(cells)]
        missing = 1 - len(found) / len(cells)
        if column.is_category:
            kept = _kept_categories(column, found, blocks, j, source.notes)
            columns.append(dataclasses.replace(column, categories=kept, missing=missing))
            offsets.append(0.0)
            scales.append(1.0)
            continue
        if not len(found):
            raise UserError(
                f'Column "{column.name}" has no value in the training part; types="{column.name}=skip" leaves it out.'
            )
        specials, rest = _specials(found)
        knots, scores = _knots(rest if len(rest) else found)
        columns.append(dataclasses.replace(
            column, low=float(found.min()), high=float(found.max()), missing=missing,
            specials=tuple(specials.tolist()), knots=tuple(knots.tolist()), scores=tuple(scores.tolist()),
        ))  # fmt: skip
        offsets.append(float(np.median(found)))
        low, high = np.quantile(found, [0.1, 0.9])
        scales.append(float(high - low) or float(found.std()) or 1.0)
        _require_near(column, [block.raw[:, j] for block in blocks.values()], offsets[-1], scales[-1])
    return Schema(
        "table", (len(columns),), offset=tuple(offsets), scale=tuple(scales), dtype="float64", name=source.name,
        columns=tuple(columns),
    )  # fmt: skip


def _require_near(column: Column, parts: list[np.ndarray], middle: float, spread: float) -> None:
    """Refuse a number that is finite here and would not be in a model.

    Raises:
        UserError: with the number.
    """
    for cells in parts:
        far = np.abs(cells / spread - middle / spread) > FARTHEST
        if far.any():
            raise UserError(
                f'Column "{column.name}" holds {cells[far][0]:g}, too far from the others ({middle:g} in the middle) '
                "for a model's 32-bit numbers; correct the cell, or leave it empty."
            )


def _kept_categories(
    column: Column, found: np.ndarray, blocks: dict[str, Block], j: int, notes: list[str]
) -> tuple[str, ...]:
    """Categories of the training part; cells of the others become missing, with a note."""
    seen = np.zeros(len(column.categories), bool)
    seen[np.unique(found).astype(int)] = True
    if column.kind == "ordinal":
        seen[:] = True  # an order that was asked for holds for all of its categories
    new_code = np.where(seen, np.cumsum(seen) - 1, np.nan)
    for name, block in blocks.items():
        cells = block.raw[:, j]
        known = ~np.isnan(cells)
        codes = np.full(len(cells), np.nan)
        codes[known] = new_code[cells[known].astype(int)]
        if lost := int((known & np.isnan(codes)).sum()):
            unseen = [c for c, s in zip(column.categories, seen) if not s]
            hold, do = (
                ("cell holds a category", "it counts")
                if lost == 1
                else ("cells hold categories", "they count")
            )
            notes.append(
                f'Column "{column.name}": {lost:,} {name} {hold} unknown to the training part '
                f"({', '.join(unseen[:3])}); {do} as missing."
            )
        block.raw[:, j] = codes
    return tuple(c for c, s in zip(column.categories, seen) if s)


def _specials(found: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers that repeat, and the other cells."""
    values, counts = np.unique(found, return_counts=True)
    is_special = (counts >= MIN_COUNT) & (counts >= MIN_SHARE * len(found))
    if is_special.sum() > MAX_SPECIALS:
        is_special &= counts >= np.sort(counts[is_special])[-MAX_SPECIALS]
    specials = values[is_special]
    return specials, found[~np.isin(found, specials)]


def _knots(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Quantiles at evenly spaced normal scores, strictly increasing, and the scores; two at least."""
    normal, count = NormalDist(), len(values)
    top = normal.inv_cdf(1 - 0.5 / max(count, 2))
    scores = np.linspace(-top, top, max(2, min(NUM_KNOTS, count)))
    levels = np.array([normal.cdf(s) for s in scores])
    knots = np.quantile(values, (levels - levels[0]) / (levels[-1] - levels[0]))
    spread = knots[-1] - knots[0]
    if spread <= 0:
        return np.array([knots[0] - 1, knots[0] + 1]), np.array([-1.0, 1.0])
    # Equal quantiles are one knot, at the mean of their scores.
    group = np.concatenate([[0], np.cumsum(np.diff(knots) > 1e-6 * spread)])
    sizes = np.bincount(group)
    return np.bincount(group, knots) / sizes, np.bincount(group, scores) / sizes


def read_rows(data: Any, schema: Schema) -> tuple[np.ndarray, list[str], pl.DataFrame]:
    """Cells (N, C) of a table by the columns of `schema`, notes, and the frame of text that they come from.

    Columns are found by name. A category that the schema does not know counts as missing, as does a text in a column of
    numbers, each with a note; a number that is too far for a model counts as the farthest that is not.

    Raises:
        UserError: a column of the schema is missing, or a frame that cannot be read.
    """
    frame, notes = (from_any_frame(data), []) if is_frame(data) else read_frame(Path(data), whole=True)[:2]
    lost = [column.name for column in schema.columns if column.name not in frame.columns]
    if lost:
        raise UserError(
            f"{'The frame' if is_frame(data) else data} lacks the column{'s' if len(lost) > 1 else ''} "
            f"{', '.join(lost)} that the model was trained on; its columns are {', '.join(frame.columns)}."
        )
    known, _ = split_missing(frame)
    made = []
    for j, column in enumerate(schema.columns):
        values, unknown = cells_of(known[column.name], column)
        if unknown:
            what = "date" if column.kind == "datetime" else "number"
            what = "category that the model knows" if column.is_category else what
            notes.append(count_as_missing(column.name, len(unknown), what, unknown[0]))
        middle, spread = (v[j] if isinstance(v, tuple) else v for v in (schema.offset, schema.scale))
        made.append(np.clip(values, middle - FARTHEST * spread, middle + FARTHEST * spread))
    return np.stack(made, 1), notes, as_text(frame)


def cells_of(series: pl.Series, column: Column) -> tuple[np.ndarray, list[str]]:
    """Text cells, null where missing, as numbers or codes (N,) of a known column; and the cells that do not fit."""
    pl = import_polars()
    if column.is_category:
        codes = {name: float(i) for i, name in enumerate(column.categories)}
        is_numeric = all(_plain(name) is not None for name in column.categories)
        by_number = {_plain(name): code for name, code in codes.items()} if is_numeric else {}
        texts = series.to_list()
        values = [codes.get(t, by_number.get(_plain(t), np.nan)) if t is not None else np.nan for t in texts]
        made = np.array(values, dtype=np.float64)
    elif column.kind == "datetime":
        made = dates_of(series, column.format)
    else:
        cast = series.cast(pl.Float64, strict=False)
        if cast.null_count() > series.null_count():
            cast = cast.fill_null(series.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False))
        made = cast.to_numpy().astype(np.float64)
    lost = np.isnan(made) & series.is_not_null().to_numpy()
    return made, series.filter(pl.Series(lost)).to_list() if lost.any() else []


def _plain(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
