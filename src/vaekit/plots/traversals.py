"""Traversals: one latent dimension moves, the others stay."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vaekit.plots.kl import THRESHOLD
from vaekit.plots.sounds import is_sound, sounds
from vaekit.plots.style import ACCENT, DEAD, DPI, INK, MUTED, SMALL_SIZE, TEXT_SIZE, Page, as_numpy
from vaekit.plots.tiles import Tiles
from vaekit.schema import Schema

BAR = 0.62
"""Length in inches of the longest KL bar."""
ROWS_OF_SOUNDS, STEPS_OF_SOUNDS = 6, 5


def traversals(
    images: Any,
    schema: Schema,
    kl: Any = None,
    *,
    values: Any = None,
    dims: Sequence[int] | None = None,
    dark_ink: bool | None = None,
    axis: str = "value of the latent dimension",
) -> Figure:
    """A row for each latent dimension, those with the largest KL first.

    Args:
        images: (dims, steps, *event), decoded while one dimension takes `values` and the others stay.
        schema: what one example is.
        kl: (dims,) mean KL of each dimension in nats; rows are ordered by it.
        values: (steps,) latent values; -3 to 3 when None.
        dims: names of the rows; their place when None.
        axis: what `values` are.
        dark_ink: print one-channel images in dark ink on white; decided from the images when None.
    """
    images = as_numpy(images)
    num, steps = images.shape[:2]
    ids = np.arange(num) if dims is None else np.asarray(dims)
    heights = None if kl is None else as_numpy(kl).astype(float)
    if heights is not None:
        order = np.argsort(-heights, kind="stable")
        images, ids, heights = images[order], ids[order], heights[order]
    z = np.linspace(-3, 3, steps) if values is None else as_numpy(values)
    if is_sound(schema):
        return _of_sounds(images, schema, heights, z, ids, axis)
    tiles = Tiles(images, schema, dark_ink=dark_ink, target=64, gap=4)
    subtitle = "Each row changes one latent dimension of one example's code and keeps the others."
    subtitle += " Bars: the dimension's mean KL, nats." if heights is not None else ""
    left = 0.5 if heights is None else 0.5 + BAR + 0.5
    page = Page(
        tiles.width,
        tiles.height,
        f"{schema.name}: what each latent dimension does",
        subtitle,
        left=left,
        bottom=0.4,
    )
    ax = page.place(0, 0, tiles.width, tiles.height)
    tiles.draw(ax)
    bottom = tiles.height * DPI
    for column in np.unique(np.linspace(0, steps - 1, 7).round().astype(int)):
        ax.text(
            tiles.centre(0, column)[0],
            bottom + 10,
            f"{z[column]:.2g}".replace("-", "−") if abs(z[column]) > 1e-4 else "0",
            size=SMALL_SIZE,
            color=MUTED,
            ha="center",
            va="top",
        )
    ax.text(tiles.width * DPI / 2, bottom + 32, axis, size=TEXT_SIZE, color=MUTED, ha="center", va="top")
    for row in range(num):
        y = tiles.centre(row, 0)[1]
        carries = heights is None or heights[row] > THRESHOLD
        ax.text(
            -left * DPI,
            y,
            f"z{ids[row] + 1}",
            size=TEXT_SIZE,
            color=INK if carries else MUTED,
            ha="left",
            va="center",
            weight="bold" if carries else "normal",
        )
        if heights is not None:
            _bar(ax, y, heights[row], max(float(heights.max()), 1e-12), carries, (0.5 - left) * DPI)
    return page.finish()


def _of_sounds(images: Any, schema: Schema, heights: Any, z: Any, ids: Any, axis: str) -> Figure:
    """The first rows, at fewer places: every sound needs room for its axes."""
    steps = images.shape[1]
    chosen = np.linspace(0, steps - 1, min(steps, STEPS_OF_SOUNDS)).round().astype(int)
    ids = ids[:ROWS_OF_SOUNDS]
    carried = [""] * len(ids) if heights is None else [f", {v:.2f} nats" for v in heights]
    return sounds(
        images[:ROWS_OF_SOUNDS, chosen], schema, f"{schema.name}: what each latent dimension does",
        f"Each row changes one latent dimension of one sound's code and keeps the others. Above: {axis}.",
        names=[f"{z[j]:.2g}".replace("-", "−") for _ in ids for j in chosen],
        row_names=[f"z{i + 1}{c}" for i, c in zip(ids, carried)],
    )  # fmt: skip


def _bar(ax: Any, y: float, height: float, largest: float, carries: bool, start: float) -> None:
    length = max(BAR * DPI * height / largest, 1.0)
    colour = ACCENT if carries else DEAD
    ax.barh(y, length, left=start, height=12, color=colour, clip_on=False)
    ax.text(start + length + 6, y, f"{height:.2f}", size=SMALL_SIZE - 1, color=MUTED, va="center", ha="left")
