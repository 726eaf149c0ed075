"""KL per latent dimension: which dimensions carry information."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from vaekit.plots.style import (
    ACCENT,
    DEAD,
    FAINT,
    INK,
    MUTED,
    SMALL_SIZE,
    TEXT_SIZE,
    Page,
    as_numpy,
    number,
    tidy,
)

THRESHOLD = 0.05
"""Nats below which a dimension says nothing about x that could be seen."""
PANEL = 2.3


def kl_per_dimension(kl: Any | Sequence[Any], *, name: str = "") -> Figure:
    """Bars from the largest KL to the smallest; dimensions at the prior are grey.

    Args:
        kl: (D,) mean KL of each latent dimension in nats, or a list of such, one for each layer from the top down.
        name: what the data is called.
    """
    layers = [as_numpy(v).ravel().astype(float) for v in (kl if isinstance(kl, list | tuple) else [kl])]
    carrying, total = sum(int((v > THRESHOLD).sum()) for v in layers), sum(map(len, layers))
    width = float(np.clip(0.3 * max(map(len, layers)), 5.4, 9.0))
    title = f"{name}: " if name else ""
    title += f"{carrying} of {total} latent dimensions carry information"
    subtitle = (
        f"Mean KL(q(z|x) ‖ p(z)) of each dimension, nats; {number(sum(v.sum() for v in layers))} nats in all. "
        f"Grey: below {THRESHOLD} nats, left at the prior."
    )
    gap = 0.62
    page = Page(width, len(layers) * (PANEL + gap) - gap, title, subtitle, left=0.45, bottom=0.3)
    for i, values in enumerate(layers):
        heading = f"layer {i + 1}, {number(values.sum())} nats" if len(layers) > 1 else ""
        _bars(page.place(0, i * (PANEL + gap), width, PANEL), values, heading)
    return page.finish()


def _bars(ax: Any, values: Any, heading: str) -> None:
    tidy(ax, grid="y")
    order = np.argsort(-values, kind="stable")
    heights = values[order]
    places = np.arange(len(heights))
    ax.bar(places, heights, width=0.78, color=[ACCENT if h > THRESHOLD else DEAD for h in heights])
    ax.axhline(THRESHOLD, color=INK, linewidth=0.8, linestyle=(0, (3, 3)), alpha=0.5)
    if heights[-1] <= THRESHOLD:
        ax.annotate(
            f"{THRESHOLD} nats",
            (len(heights) - 0.5, THRESHOLD),
            xytext=(0, 3),
            textcoords="offset points",
            size=SMALL_SIZE - 0.5,
            color=MUTED,
            ha="right",
            va="bottom",
        )
    ax.set_xlim(-0.6, len(heights) - 0.4)
    ax.set_ylim(0, max(float(heights.max()) * 1.12, 2 * THRESHOLD))
    if len(heights) <= 40:
        ax.set_xticks(places, [str(i + 1) for i in order])
        ax.tick_params(axis="x", labelsize=SMALL_SIZE - (1 if len(heights) > 24 else 0))
    else:
        ax.xaxis.set_major_locator(NullLocator())
    ax.spines["left"].set_visible(False)
    ax.spines["bottom"].set_color(FAINT)
    ax.set_xlabel("latent dimension, sorted", size=TEXT_SIZE, color=MUTED, labelpad=5)
    ax.set_ylabel("KL, nats", size=TEXT_SIZE, color=MUTED, labelpad=5)
    if heading:
        ax.text(1, 1, heading, transform=ax.transAxes, size=TEXT_SIZE, color=INK, ha="right", va="top")
