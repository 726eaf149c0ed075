"""What kind of column a column of text is: numbers, categories, dates, or nothing to learn from."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from vaekit.data.dates import no_dates, read_dates
from vaekit.data.frames import import_polars
from vaekit.errors import UserError, did_you_mean
from vaekit.schema import Column, ColumnKind

if TYPE_CHECKING:
    import polars as pl

KINDS: tuple[ColumnKind, ...] = (
    "continuous", "integer", "count", "binary", "categorical", "ordinal", "datetime",
)  # fmt: skip
MAX_CATEGORIES = 1000
MOSTLY = 0.9
"""A column of which so many cells are numbers, or dates, is meant to hold nothing else."""
MIN_ROWS_OF_ID, SURE_ROWS_OF_ID = 20, 1000
"""All different whole numbers are an id where they are nearly consecutive, sorted or so many."""
SCALES = (
    ("very low", "low", "medium", "high", "very high"),
    ("none", "low", "medium", "high"),
    ("xs", "s", "m", "l", "xl", "xxl"),
    ("small", "medium", "large"),
    ("never", "rarely", "sometimes", "often", "always"),
    ("poor", "fair", "average", "good", "very good", "excellent"),
    ("strongly disagree", "disagree", "neutral", "agree", "strongly agree"),
)  # fmt: skip


@dataclass
class Reading:
    """A column read: its kind, and its cells as float64 (N,) with NaN where missing. `column` is None for one that is
    left out, and then `note` says why."""

    column: Column | None
    values: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)


def parse_types(types: str | dict[str, str] | None, names: list[str]) -> dict[str, str]:
    """`age=integer,size=ordinal(S<M<L)` as {"age": "integer", "size": "ordinal(S<M<L)"}.

    Raises:
        UserError: no such column or kind.
    """
    if not types:
        return {}
    if isinstance(types, dict):
        given = dict(types)
    else:
        pairs = [part.partition("=") for part in re.split(r",(?![^()]*\))", types)]
        bad = next((name for name, equals, _ in pairs if not equals), None)
        if bad is not None:
            raise UserError(f'types are written age=integer,education=ordinal; "{bad.strip()}" has no "=".')
        given = {name.strip(): kind.strip() for name, _, kind in pairs}
    for name, kind in given.items():
        if name not in names:
            raise UserError(f'types: there is no column "{name}". {did_you_mean(name, names)}')
        if kind.partition("(")[0] not in (*KINDS, "skip"):
            raise UserError(
                f'types: there is no kind "{kind}" for "{name}". {did_you_mean(kind, [*KINDS, "skip"])}'
            )
    return given


def read_column(series: pl.Series, asked: str | None = None) -> Reading:
    """One column of text, null where missing, as a `Reading`.

    Args:
        series: (N,) of String.
        asked: its kind, "ordinal(a<b<c)" with the order of the categories, or "skip"; inferred when None.

    Raises:
        UserError: values that do not fit the kind, or numbers beyond float64.
    """
    name, present = series.name, series.drop_nulls()
    if asked == "skip":
        return Reading(None, notes=[f'Column "{name}" is left out, as asked.'])
    if not len(present):
        return Reading(None, notes=[f'Column "{name}" is left out: every cell is missing.'])
    if present.n_unique() == 1:
        return Reading(None, notes=[f'Column "{name}" is left out: it is "{present[0]}" in every row.'])
    kind = (asked or "").partition("(")[0]
    if kind in ("binary", "categorical", "ordinal"):
        return _categories(series, kind, asked or "")
    if kind == "datetime":
        return _dates(series, required=True)
    numbers, texts, notes = _numbers(series)
    if kind in ("continuous", "integer", "count"):
        if texts:
            odd = present.filter(present.cast(import_polars().Float64, strict=False).is_null())
            notes.append(count_as_missing(name, texts, "number", odd[0]))
        return _numeric(name, numbers, kind, notes, present)
    if texts == 0:
        return _inferred_number(name, numbers, notes, present)
    dates = _dates(series, required=False)
    if dates.column is not None:
        return dates
    return _inferred_text(series, present, texts)


def _numbers(series: pl.Series) -> tuple[np.ndarray, int, list[str]]:
    """Cells as float64, NaN where missing or no number; how many are texts; notes."""
    pl = import_polars()
    notes = []
    cast = series.cast(pl.Float64, strict=False)
    if series.drop_nulls().str.contains(r"^[+-]?\d+,\d+$").any() and cast.null_count() > series.null_count():
        with_point = series.str.replace(",", ".", literal=True).cast(pl.Float64, strict=False)
        if with_point.null_count() == series.null_count():
            cast = with_point
            notes.append(f'Column "{series.name}" has a comma before its decimals.')
    values = cast.to_numpy().astype(np.float64)
    texts = cast.null_count() - series.null_count()
    infinite = np.isinf(values)
    if infinite.any():
        row = int(np.flatnonzero(infinite)[0])
        raise UserError(
            f'Column "{series.name}", row {row + 1}: {series[row]} is beyond every number that a computer holds '
            "(1.8e308); correct the cell, or leave it empty."
        )
    return values, texts, notes


def _inferred_number(name: str, numbers: np.ndarray, notes: list[str], present: pl.Series) -> Reading:
    """Two values are binary, whole numbers integer or count, others continuous; an id is left out."""
    found = numbers[~np.isnan(numbers)]
    distinct = np.unique(found)
    if len(distinct) == 2:
        return _categories(_as_series(name, numbers), "binary", "", notes)
    if len(distinct) == 1:
        return Reading(None, notes=[f'Column "{name}" is left out: it is {distinct[0]:g} in every row.'])
    if not (found == np.round(found)).all() or np.abs(found).max() > 2**53:
        return _numeric(name, numbers, "continuous", notes, present)
    count = len(found)
    if len(distinct) == count and count >= MIN_ROWS_OF_ID:
        is_dense = distinct[-1] - distinct[0] < 2 * count
        is_sorted = bool((np.diff(found) > 0).all())
        named = re.search(r"(^|[_ .-])(id|index|key|nr|number|row|uuid)$|^column_1$|Id$", name) is not None
        if is_dense or is_sorted or named or count >= SURE_ROWS_OF_ID:
            return Reading(None, notes=[
                f'Column "{name}" is left out: all of its {count:,} whole numbers differ, as those of an id do '
                f'(types="{name}=integer" keeps it).'
            ])  # fmt: skip
    return _numeric(name, numbers, "count" if distinct[0] == 0 else "integer", notes, present)


def _as_series(name: str, numbers: np.ndarray) -> pl.Series:
    """Numbers as text again, whole ones without a point."""
    pl = import_polars()
    return pl.Series(
        name, [None if math.isnan(v) else f"{v:.15g}" for v in numbers.tolist()], dtype=pl.String
    )


def _numeric(name: str, numbers: np.ndarray, kind: Any, notes: list[str], present: pl.Series) -> Reading:
    found = numbers[~np.isnan(numbers)]
    if kind in ("integer", "count") and (found != np.round(found)).any():
        first = found[found != np.round(found)][0]
        raise UserError(
            f'Column "{name}" holds {first:g}, which is no {kind}; make it continuous, or correct it.'
        )
    if kind == "count" and (found < 0).any():
        raise UserError(f'Column "{name}" holds {found.min():g}, and counts start at 0; make it integer.')
    decimals = 0 if kind != "continuous" else _decimals(present)
    column = Column(name, kind, step=0.0 if kind == "continuous" else 1.0, decimals=decimals)
    return Reading(column, numbers, notes)


def _decimals(present: pl.Series) -> int:
    """Digits behind the point, where no cell has more than 6; else -1."""
    digits = present.str.extract(r"[.,](\d+)$", 1).str.len_bytes().fill_null(0)
    most = int(digits.max() or 0)  # type: ignore[arg-type]
    return most if most <= 6 and not present.str.contains("[eE]").any() else -1


def _dates(series: pl.Series, *, required: bool) -> Reading:
    """Dates; where they are required, cells that are none count as missing."""
    notes = []
    if required and len(odd := no_dates(series)):
        odd_cells = series.is_in(odd)
        series = series.set(odd_cells, None)
        notes.append(count_as_missing(series.name, int(odd_cells.sum()), "date", odd[0]))
    found = read_dates(series) if series.null_count() < len(series) else None
    if found is None:
        if required:
            raise UserError(
                f'Column "{series.name}" holds no dates that are recognized; write them as 2024-12-31.'
            )
        return Reading(None)
    values, form, more = found
    return Reading(Column(series.name, "datetime", step=1.0, format=form), values, [*notes, *more])


def count_as_missing(name: str, count: int, what: str, first: str) -> str:
    """A sentence about cells that do not fit their column.

    Example:
        >>> count_as_missing("seen", 1, "date", "soon")
        'Column "seen": 1 cell holds no date ("soon") and counts as missing.'
    """
    hold, do = ("cell holds", "counts") if count == 1 else ("cells hold", "count")
    return f'Column "{name}": {count:,} {hold} no {what} ("{first}") and {do} as missing.'


def _refuse_odd(name: str, what: str, kind: str, odd: pl.Series) -> None:
    """Refuse a few texts among numbers or dates: they would cost the column what it is.

    Raises:
        UserError: with the first of them.
    """
    raise UserError(
        f'Column "{name}" holds {what} and {len(odd):,} {"text" if len(odd) == 1 else "texts"}, "{odd[0]}" for '
        f'example; correct them, or say types="{name}={kind}" to count them as missing, or "{name}=categorical".'
    )


def _inferred_text(series: pl.Series, present: pl.Series, texts: int) -> Reading:
    """Categories, unless all texts differ or there are too many; numbers with a few texts among them are refused."""
    name, distinct, count = series.name, present.n_unique(), len(present)
    if texts <= (1 - MOSTLY) * count and distinct > 20:
        number = import_polars().Float64
        _refuse_odd(
            name, "numbers", "continuous", present.filter(present.cast(number, strict=False).is_null())
        )
    first = present.unique(maintain_order=True)[:200]
    if distinct > 20 and len(no_dates(first)) <= (1 - MOSTLY) * len(first):
        _refuse_odd(name, "dates", "datetime", present.filter(present.is_in(no_dates(present))))
    if distinct == count and count >= MIN_ROWS_OF_ID:
        return Reading(None, notes=[f'Column "{name}" is left out: all of its {count:,} texts differ, as those of an '
                                    f'id or a name do (types="{name}=categorical" keeps it).'])  # fmt: skip
    if distinct > MAX_CATEGORIES or (distinct > 0.5 * count and distinct > 50):
        return Reading(None, notes=[f'Column "{name}" is left out: {distinct:,} different texts in {count:,} rows are '
                                    f'too many to learn (types="{name}=categorical" keeps it).'])  # fmt: skip
    return _categories(series, "binary" if distinct == 2 else "categorical", "")


def _categories(series: pl.Series, kind: Any, asked: str, notes: list[str] | None = None) -> Reading:
    """Codes in the order of the categories: the one asked for, a known scale, by number, or by alphabet."""
    notes = list(notes or [])
    names = series.drop_nulls().unique().to_list()
    if kind == "binary" and len(names) != 2:
        raise UserError(f'Column "{series.name}" has {len(names):,} different values; a binary one has 2.')
    order, how = _order(names, asked, series.name)
    if kind == "ordinal" and how == "alphabet":
        notes.append(f'The order of "{series.name}" is taken from the alphabet; types="{series.name}=ordinal(a<b<c)" '
                     "states another.")  # fmt: skip
    codes = {category: float(i) for i, category in enumerate(order)}
    values = np.array([codes[v] if v is not None else np.nan for v in series.to_list()], dtype=np.float64)
    return Reading(Column(series.name, kind, categories=tuple(order)), values, notes)


def _order(names: list[str], asked: str, column: str) -> tuple[list[str], str]:
    stated = asked.partition("(")[2].removesuffix(")")
    if stated:
        order = [part.strip() for part in stated.split("<")]
        lost = sorted(set(names) - set(order))
        if lost:
            raise UserError(f'types: the order of "{column}" leaves out "{lost[0]}"; name every category.')
        return order, "asked"
    for scale in SCALES:
        if {n.lower() for n in names} <= set(scale):
            return sorted(names, key=lambda n: scale.index(n.lower())), "scale"
    leading = [re.match(r"[<>≤≥ ]*([+-]?\d+(?:\.\d+)?)", n) for n in names]
    if all(leading):
        return sorted(names, key=lambda n: (float(re.search(r"[+-]?\d+(?:\.\d+)?", n)[0]), n)), "number"  # type: ignore[index]
    return sorted(names), "alphabet"
