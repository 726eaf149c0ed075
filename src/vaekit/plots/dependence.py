"""How every two columns of a table depend on each other: real beside new."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vaekit.plots.style import INK, MUTED, SEQUENTIAL, SMALL_SIZE, TEXT_SIZE, Page, as_numpy, tidy
from vaekit.schema import Column, Schema

MAX_COLUMNS, NUM_BINS, GAP = 30, 10, 0.35


def dependence(real: Any, synthetic: Any, schema: Schema, *, note: str = "") -> Figure:
    """Three squares: the strength of dependence of every two columns in real and in new rows, and their difference.

    The strength is Cramér's V (1946) without its bias (Bergsma, 2013), numbers in bins of equal count: 0 where columns
    are independent, 1 where one determines the other.

    Args:
        real, synthetic: (N, C) and (M, C) cells in their own units, NaN where missing.
        schema: of a table.
        note: added to the subtitle.
    """
    columns = schema.columns[:MAX_COLUMNS]
    a, b = (strengths(as_numpy(v), as_numpy(real), columns) for v in (real, synthetic))
    side = float(np.clip(0.19 * len(columns), 2.2, 4.2))
    subtitle = f"Cramér's V of every two columns, 0 independent to 1 determined. {note}".strip()
    page = Page(
        3 * side + 2 * GAP, side + 0.3, f"{schema.name}: dependence in held-out and in new rows", subtitle,
        left=1.15, bottom=1.0, right=0.6,
    )  # fmt: skip
    names = [c.name if len(c.name) <= 16 else c.name[:15] + "…" for c in columns]
    for i, (values, heading) in enumerate(((a, "held-out rows"), (b, "new rows"), (np.abs(a - b), "difference"))):
        ax = page.place(i * (side + GAP), 0.3, side, side)
        tidy(ax, grid="")
        image = ax.imshow(values, vmin=0, vmax=1, cmap=SEQUENTIAL)
        ax.set_title(heading, fontsize=TEXT_SIZE, color=INK, loc="left")
        ax.set_xticks(range(len(names)), names, rotation=90, fontsize=SMALL_SIZE - 1.5)
        ax.set_yticks(range(len(names)), names if i == 0 else [""] * len(names), fontsize=SMALL_SIZE - 1.5)
    bar = page.fig.colorbar(image, cax=page.place(3 * side + 2 * GAP + 0.12, 0.3, 0.1, side))
    bar.ax.tick_params(labelsize=SMALL_SIZE - 1, colors=MUTED, length=0)
    bar.outline.set_visible(False)
    return page.finish()


def strengths(rows: np.ndarray, reference: np.ndarray, columns: tuple[Column, ...]) -> np.ndarray:
    """Cramér's V without bias of every two columns, (C, C), 1 on the diagonal; bins by the quantiles of `reference`."""
    codes = [_codes(rows[:, j], reference[:, j], column) for j, column in enumerate(columns)]
    out = np.eye(len(columns))
    for i, j in combinations(range(len(columns)), 2):
        out[i, j] = out[j, i] = cramers_v(codes[i], codes[j])
    return out


def cramers_v(a: np.ndarray, b: np.ndarray) -> float:
    """Cramér's V without bias of two columns of codes (N,), -1 where missing.

    Example:
        >>> a = np.arange(200) % 2
        >>> round(cramers_v(a, a), 3), round(cramers_v(a, np.arange(200) // 100), 3)
        (1.0, 0.0)
    """
    there = (a >= 0) & (b >= 0)
    a, b = np.unique(a[there], return_inverse=True)[1], np.unique(b[there], return_inverse=True)[1]
    n = len(a)
    if n < 2 or a.max() == 0 or b.max() == 0:
        return 0.0
    table = np.zeros((a.max() + 1, b.max() + 1))
    np.add.at(table, (a, b), 1.0)
    expected = table.sum(1, keepdims=True) * table.sum(0) / n
    r, c = table.shape
    phi2 = max(0.0, float(((table - expected) ** 2 / expected).sum()) / n - (r - 1) * (c - 1) / (n - 1))
    smaller = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    return float(np.sqrt(min(1.0, phi2 / smaller))) if smaller > 0 else 0.0


def _codes(values: np.ndarray, reference: np.ndarray, column: Column) -> np.ndarray:
    missing = np.isnan(values)
    if column.is_category:
        return np.where(missing, -1, np.nan_to_num(values)).astype(int)
    known = reference[~np.isnan(reference)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, NUM_BINS + 1)[1:-1])) if len(known) else np.zeros(1)
    return np.where(missing, -1, np.searchsorted(edges, np.nan_to_num(values), "right"))
