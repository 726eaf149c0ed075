"""Two-dimensional data as a scatter plot: the kind of data that shows best what a model has learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vaekit.plots.style import ACCENT, FAINT, MUTED, SECOND, SMALL_SIZE, Page, as_numpy, tidy

SIDE = 4.6


def points(sets: Mapping[str, Any], title: str, subtitle: str, *, joined: bool = False) -> Figure:
    """Sets of points (N, 2) over each other.

    Args:
        sets: name to points; the first is drawn below the others.
        title, subtitle: of the picture.
        joined: connect points of equal index with a pale line.
    """
    page = Page(SIDE, SIDE, title, subtitle, left=0.35, bottom=0.15)
    ax = page.place(0, 0, SIDE, SIDE)
    tidy(ax)
    arrays = {name: as_numpy(x).reshape(-1, 2) for name, x in sets.items()}
    if joined:
        start, end = list(arrays.values())[:2]
        ax.plot(*np.stack([start, end], -1).transpose(1, 2, 0), color=FAINT, linewidth=0.6, zorder=1)
    for (name, xy), colour in zip(arrays.items(), (ACCENT, SECOND, MUTED)):
        size = float(np.clip(8000 / max(len(xy), 1), 2, 18))
        ax.scatter(xy[:, 0], xy[:, 1], s=size, color=colour, alpha=0.7, linewidths=0, label=name, zorder=2)
    ax.set_aspect("equal", adjustable="datalim")
    if len(arrays) > 1:
        ax.legend(frameon=False, fontsize=SMALL_SIZE, labelcolor=MUTED, loc="upper right", markerscale=1.6)
    return page.finish()
