"""New samples above the training examples that lie nearest to them: whether the model copies."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from matplotlib.figure import Figure

from vaekit.evaluation.chunks import evaluating
from vaekit.evaluation.neighbours import nearest_in
from vaekit.plots.style import DPI, INK, MUTED, SMALL_SIZE, Page, as_numpy, number
from vaekit.plots.tiles import Tiles, has_dark_ink, shape_of_grid, to_grid, value_limits
from vaekit.schema import Schema

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model

PAIR_GAP, ROW_GAP = 3, 30
NUM_SHOWN, NEAREST = 24, 3
LINES = ("sample", "nearest", "second nearest", "third nearest")
"""What stands left of each line of tiles."""


def neighbours(
    x: Any,
    nearest: Any,
    schema: Schema,
    distances: Any = None,
    *,
    dark_ink: bool | None = None,
    note: str = "",
) -> Figure:
    """Each sample above its nearest training examples, nearest first.

    Args:
        x: samples (N, *event); up to 24 are shown.
        nearest: their nearest training examples, (N, k, *event).
        schema: what one example is.
        distances: (N, k); the first is written below each column.
        dark_ink: print one-channel images in dark ink on white; decided from the training examples when None.
        note: added to the subtitle, the distance of held-out examples for example.
    """
    x, near = as_numpy(x), as_numpy(nearest)
    k = near.shape[1]
    rows, columns = shape_of_grid(len(x), schema, rows=2)
    ink = has_dark_ink(near[:, 0], schema) if dark_ink is None else dark_ink
    limits = value_limits(x, near)
    sets = [to_grid(x, rows, columns), *(to_grid(near[:, i], rows, columns) for i in range(k))]
    blocks = [
        Tiles(np.stack([one[row] for one in sets]), schema, ink, row_gap=PAIR_GAP, limits=limits)
        for row in range(rows)
    ]
    step = blocks[0].height + ROW_GAP / DPI
    subtitle = "Top of each column: a new sample. Below it: the training examples nearest to it, by distance of values."
    page = Page(
        max(blocks[0].width, 4.5), rows * step, f"{schema.name}: samples and their nearest training examples",
        f"{subtitle} {note}".strip(), left=1.1,
    )  # fmt: skip
    shown = None if distances is None else as_numpy(distances)[:, 0]
    for row, tiles in enumerate(blocks):
        ax = page.place(0, row * step, tiles.width, tiles.height)
        tiles.draw(ax)
        for line in range(k + 1):
            text = LINES[line] if line < len(LINES) else f"{line}th nearest"
            colour = INK if line == 0 else MUTED
            ax.text(
                -8, tiles.centre(line, 0)[1], text, size=SMALL_SIZE, color=colour, ha="right", va="center"
            )
        for column in range(columns):
            place = row * columns + column
            if shown is not None and place < min(len(shown), len(x)):
                across = tiles.centre(0, column)[0]
                below = tiles.height * DPI + 4
                ax.text(
                    across,
                    below,
                    number(float(shown[place])),
                    size=SMALL_SIZE - 1,
                    color=MUTED,
                    ha="center",
                    va="top",
                )
    return page.finish()


def neighbour_panel(model: Model, train: Part, *, seed: int = 0, note: str = "") -> Figure:
    """`neighbours` of a model's own samples among the training examples.

    Args:
        model: any model.
        train: the training part.
        seed: of the samples.
        note: added to the subtitle.
    """
    train = train.to("cpu")
    with evaluating(model, seed):
        x = model.sample(NUM_SHOWN, mean=not train.schema.is_binary).cpu().float()
        distances, places = nearest_in(x, train, k=min(NEAREST, len(train)))
        generator = torch.Generator().manual_seed(seed)
        near = torch.stack([train.batch(row, generator)[0] for row in places])
    return neighbours(x, near, train.schema, distances, note=note)
