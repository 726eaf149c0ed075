"""Every column of a table: real beside new."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaekit.data.dates import write_date
from vaekit.plots.style import (
    ACCENT,
    FAINT,
    INK,
    MUTED,
    SECOND,
    SMALL_SIZE,
    TEXT_SIZE,
    Page,
    as_numpy,
    counted,
    tidy,
)
from vaekit.schema import Column, Schema

WIDTH, HEIGHT, GAP_X, GAP_Y = 2.25, 1.35, 0.55, 0.85
MAX_COLUMNS, MAX_BARS, NUM_BINS = 40, 10, 24


def marginals(real: Any, synthetic: Any | None, schema: Schema, *, note: str = "") -> Figure:
    """Shares of categories and histograms of numbers, each column on axes of its own.

    Args:
        real: (N, C) cells in their own units, NaN where missing.
        synthetic: (M, C) new ones, None to show the data alone.
        schema: of a table.
        note: added to the subtitle.
    """
    a, b = as_numpy(real), None if synthetic is None else as_numpy(synthetic)
    columns = schema.columns[:MAX_COLUMNS]
    across = min(5, len(columns))
    down = math.ceil(len(columns) / across)
    title = f"{schema.name}: {'every column' if b is None else 'every column, held-out and new rows'}"
    rows = counted(len(a), "row") + ("" if b is None else f" (blue) beside {counted(len(b), 'new row')} (orange)")
    subtitle = f"{rows}, shares of the cells that are there. {note}".strip()
    page = Page(
        across * (WIDTH + GAP_X) - GAP_X, down * (HEIGHT + GAP_Y) - GAP_Y + 0.3, title, subtitle, left=0.4, bottom=0.45
    )
    for place, column in enumerate(columns):
        row, col = divmod(place, across)
        ax = page.place(col * (WIDTH + GAP_X), 0.3 + row * (HEIGHT + GAP_Y), WIDTH, HEIGHT)
        sides = [a[:, place]] if b is None else [a[:, place], b[:, place]]
        tidy(ax, grid="y")
        ax.set_title(_short(column.name, 28), fontsize=TEXT_SIZE, color=INK, loc="left", pad=6)
        _panel(ax, [s[~np.isnan(s)] for s in sides], column)
    return page.finish()


def _panel(ax: Axes, sides: list[np.ndarray], column: Column) -> None:
    colours = (ACCENT, SECOND)
    if column.is_category:
        shares = [np.bincount(s.astype(int), minlength=len(column.categories)) / max(len(s), 1) for s in sides]
        order = np.arange(len(column.categories))
        if column.kind != "ordinal":
            order = np.argsort(-shares[0], kind="stable")
        order = order[:MAX_BARS]
        width = 0.8 / len(sides)
        for i, share in enumerate(shares):
            ax.bar(np.arange(len(order)) + (i - (len(sides) - 1) / 2) * width, share[order], width, color=colours[i])
        names = [_short(column.categories[k], 11) for k in order]
        ax.set_xticks(np.arange(len(order)), names, rotation=35, ha="right", fontsize=SMALL_SIZE - 1.5)
        return
    low, high = _range(sides[0])
    whole = column.step == 1 and high - low < 2 * NUM_BINS
    edges = np.arange(low - 0.5, high + 1) if whole else np.linspace(low, high, NUM_BINS + 1)
    for i, side in enumerate(sides):
        heights = np.histogram(np.clip(side, edges[0], edges[-1]), edges)[0] / max(len(side), 1)
        ax.stairs(heights, edges, color=colours[i], fill=i == 0, alpha=0.55 if i == 0 else 1.0, linewidth=1.3)
    ax.set_xlim(edges[0], edges[-1])
    if column.kind == "datetime":
        ticks = np.linspace(edges[0], edges[-1], 3)[[0, 2]]
        ax.set_xticks(ticks, [write_date(float(t), column.format) for t in ticks])
        first, last = ax.get_xticklabels()
        first.set_horizontalalignment("left")
        last.set_horizontalalignment("right")
    ax.xaxis.get_offset_text().set_color(MUTED)
    ax.spines["bottom"].set_color(FAINT)


def _range(values: np.ndarray) -> tuple[float, float]:
    """Where all but the outermost 0.5 % on either side lie."""
    if not len(values):
        return 0.0, 1.0
    low, high = np.quantile(values, [0.005, 0.995])
    if high <= low:
        low, high = values.min(), values.max()
    return (float(low), float(high)) if high > low else (float(low) - 1, float(high) + 1)


def _short(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
