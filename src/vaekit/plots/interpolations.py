"""Interpolations: straight lines between the codes of two examples, decoded."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure

from vaekit.plots.sounds import is_sound, sounds
from vaekit.plots.style import DPI, MUTED, SMALL_SIZE, Page, as_numpy
from vaekit.plots.tiles import Tiles
from vaekit.schema import Schema

PAIRS_OF_SOUNDS, STEPS_OF_SOUNDS = 4, 7


def interpolations(images: Any, schema: Schema, *, dark_ink: bool | None = None) -> Figure:
    """A row for each pair of examples.

    Args:
        images: (pairs, steps, *event), decoded means from the first code to the second.
        schema: what one example is.
        dark_ink: print one-channel images in dark ink on white; decided from the images when None.
    """
    images = as_numpy(images)
    title = f"{schema.name}: from one example to another"
    subtitle = "The mean of p(x|z) on the straight line between the codes of two held-out examples."
    if is_sound(schema):
        chosen = np.linspace(0, images.shape[1] - 1, min(images.shape[1], STEPS_OF_SOUNDS)).round().astype(int)
        return sounds(images[:PAIRS_OF_SOUNDS, chosen], schema, title, subtitle)
    tiles = Tiles(images, schema, dark_ink=dark_ink, gap=6, target=84 if images.shape[1] <= 12 else 64)
    page = Page(tiles.width, tiles.height, title, subtitle, bottom=0.2)
    ax = page.place(0, 0, tiles.width, tiles.height)
    tiles.draw(ax)
    steps = images.shape[1]
    for column, text in ((0, "first"), ((steps - 1) / 2, "halfway"), (steps - 1, "second")):
        x = tiles.centre(0, column)[0]
        ax.text(x, tiles.height * DPI + 10, text, size=SMALL_SIZE, color=MUTED, ha="center", va="top")
    return page.finish()
