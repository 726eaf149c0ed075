"""Dates in columns of text, as days or seconds since 1970."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from vaekit.data.frames import import_polars
from vaekit.errors import UserError

if TYPE_CHECKING:
    import polars as pl

DAYS = (
    "%Y-%m-%d",
    "%d.%m.%Y",
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%Y/%m/%d",
    "%d-%m-%Y",
    "%Y.%m.%d",
    "%d %b %Y",
    "%b %d, %Y",
)
TIMES = tuple(
    f"{day}{joint}{time}"
    for day in DAYS[:7]
    for joint in (" ", "T")
    for time in ("%H:%M:%S", "%H:%M", "%H:%M:%S%.f", "%H:%M:%SZ")
    if joint == " " or day == "%Y-%m-%d"
)
YEAR = r"\d{4}"
AMBIGUOUS = ("%d/%m/%Y", "%m/%d/%Y")


def has_time(form: str) -> bool:
    """Whether the format has a time of day: then seconds are counted, else days."""
    return "%H" in form


def read_dates(series: pl.Series) -> tuple[np.ndarray, str, list[str]] | None:
    """Values (N,), NaN where missing; the format of most cells; notes. None where some cell is no date.

    Raises:
        UserError: day and month cannot be told apart.
    """
    pl = import_polars()
    texts = series.drop_nulls().unique()
    if not texts[:200].str.contains(YEAR).all() or not len(texts):
        return None
    formats = TIMES if texts[0] is not None and ":" in texts[0] else DAYS
    if any(":" in t for t in texts[:200]) and not all(":" in t for t in texts[:200]):
        formats = (*TIMES, *DAYS)
    parsed = {form: _parse(texts, form) for form in formats}
    parsed = {form: found for form, found in parsed.items() if found.null_count() < len(found)}
    notes: list[str] = []
    whole = [form for form, found in parsed.items() if found.null_count() == 0]
    if whole:
        used = [whole[0]]
        pairs = [f for f in whole if f.startswith(AMBIGUOUS)]
        if len(pairs) > 1 and pairs[0] == whole[0] and not parsed[pairs[0]].equals(parsed[pairs[1]]):
            notes.append(
                f'Dates of "{series.name}" could be day/month or month/day; they were read as day/month.'
            )
    else:
        used = _several(series.name, texts, parsed)
        if not used:
            return None
        shown = " and ".join(used)
        notes.append(f'Dates of "{series.name}" come in several formats, {shown}; each was read by its own, and '
                     f"{used[0]} is written.")  # fmt: skip
    unit = 1e6 if any(has_time(form) for form in used) else 86400e6
    out = pl.select(pl.coalesce([_parse(series, form) for form in used])).to_series()
    form = next((f for f in used if has_time(f)), used[0]) if unit == 1e6 else used[0]
    return _micros(out) / unit, form.removesuffix("%.f"), notes


def dates_of(series: pl.Series, form: str) -> np.ndarray:
    """Values (N,) of a column that is known to hold dates written as `form`, in its unit; NaN where there is no date.

    Dates of another format are read by that, as `read_dates` would.

    Raises:
        UserError: their day and month cannot be told apart.
    """
    unit = 1e6 if has_time(form) else 86400e6
    values = _micros(_parse(series, form)) / unit
    left = np.isnan(values) & series.is_not_null().to_numpy()
    others = series.filter(left)
    others = others.set(others.is_in(no_dates(others)), None)
    found = read_dates(others) if others.null_count() < len(others) else None
    if found is not None:
        values[left] = found[0] * (1e6 if has_time(found[1]) else 86400e6) / unit
    return values


def no_dates(series: pl.Series) -> list[str]:
    """Texts that no format reads as a date, each once."""
    texts = series.drop_nulls().unique(maintain_order=True)
    left = texts.filter(texts.str.contains(YEAR))
    for form in (*DAYS, *TIMES):
        left = left.filter(_parse(left, form).is_null())
    return texts.filter(~texts.str.contains(YEAR) | texts.is_in(left.to_list())).to_list()


def _micros(dates: pl.Series) -> np.ndarray:
    """Microseconds since 1970, NaN where missing."""
    return dates.dt.timestamp("us").cast(import_polars().Float64).to_numpy().astype(np.float64)


def _parse(series: pl.Series, form: str) -> pl.Series:
    pl = import_polars()
    if has_time(form):
        return series.str.strptime(pl.Datetime("us"), form, strict=False, exact=True)
    return series.str.strptime(pl.Date, form, strict=False, exact=True).cast(pl.Datetime("us"))


def _several(name: str, texts: pl.Series, parsed: dict[str, pl.Series]) -> list[str]:
    """Formats that together read every text, the commonest first; none where that is not so."""
    order = sorted(parsed, key=lambda form: parsed[form].null_count())
    used: list[str] = []
    left = np.ones(len(texts), bool)
    for form in order:
        reads = parsed[form].is_not_null().to_numpy()
        if (left & reads).any():
            used.append(form)
            left &= ~reads
    if left.any():
        return []
    if set(AMBIGUOUS) <= {form[:8] for form in used}:
        raise UserError(
            f'Column "{name}" has dates both as day/month/year and as month/day/year, which look alike up to 12; '
            "write them as 2024-12-31."
        )
    return used


def write_date(value: float, form: str) -> str:
    """A value as text again.

    Example:
        >>> write_date(19723.0, "%d.%m.%Y")
        '01.01.2024'
    """
    from datetime import datetime, timedelta

    moment = datetime(1970, 1, 1) + (
        timedelta(seconds=round(value)) if has_time(form) else timedelta(days=round(value))
    )
    return moment.strftime(form)
