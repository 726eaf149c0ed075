"""Originals and what the model makes of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure

from vaekit.evaluation.log_mel import log_mel_error
from vaekit.plots.points import points
from vaekit.plots.sounds import is_sound, sounds
from vaekit.plots.style import DPI, INK, MUTED, SMALL_SIZE, Page, as_numpy
from vaekit.plots.tiles import Tiles, has_dark_ink, shape_of_grid, to_grid, value_limits
from vaekit.schema import Schema

PAIR_GAP, ROW_GAP = 3, 22
PAIRS_OF_SOUNDS = 6


def reconstructions(
    x: Any, x_hat: Any, schema: Schema, *, dark_ink: bool | None = None, note: str = ""
) -> Figure:
    """Pairs in rows: the original above its reconstruction; lines over each other.

    Args:
        x, x_hat: (N, *event), originals and reconstructions; up to 48 pairs are shown.
        schema: what one example is.
        dark_ink: print one-channel images in dark ink on white; decided from x when None.
        note: added to the subtitle, the error for example.
    """
    x, x_hat = as_numpy(x), as_numpy(x_hat)
    title = f"{schema.name}: reconstructions"
    if schema.num_features == 2:
        return points({"original": x, "reconstruction": x_hat}, title, note, joined=True)
    if is_sound(schema):
        num = min(len(x), 2 * PAIRS_OF_SOUNDS)
        columns = min(num, PAIRS_OF_SOUNDS)
        pairs = [to_grid(part[:num], -(-num // columns), columns) for part in (x, x_hat)]
        both = np.stack(pairs, 1).reshape(-1, columns, *schema.shape)
        # Of waveforms, whose phases are not kept, the squared error in `note` says little.
        error = log_mel_error(torch.as_tensor(x), torch.as_tensor(x_hat), schema.rate or 1).mean()
        subtitle = f"Sounds and what their codes decode to, log-mel error {error:.1f} dB."
        return sounds(both, schema, title, subtitle, row_names=["original", "reconstructed"] * (len(both) // 2))
    rows, columns = shape_of_grid(len(x), schema, rows=4)
    ink = has_dark_ink(x, schema) if dark_ink is None else dark_ink
    above, below = to_grid(x, rows, columns), to_grid(x_hat, rows, columns)
    first = Tiles(above, schema, dark_ink=ink, limits=value_limits(x, x_hat))
    if first.look == "line":
        tiles = Tiles(below, schema, limits=first.limits)
        page = Page(
            max(tiles.width, 4.5),
            tiles.height,
            title,
            _sentence("Grey: the original. Blue: its reconstruction.", note),
        )
        tiles.draw(page.place(0, 0, tiles.width, tiles.height), behind=above)
        return page.finish()
    return _pairs(above, below, first, title, note)


def _pairs(above: Any, below: Any, like: Tiles, title: str, note: str) -> Figure:
    rows = len(above)
    step = (2 * like.tile_height + PAIR_GAP + ROW_GAP) / DPI
    height = rows * step - ROW_GAP / DPI
    subtitle = _sentence("Held-out examples and the mean of p(x|z) at the mean of q(z|x).", note)
    page = Page(max(like.width, 4.5), height, title, subtitle, left=0.95)
    for row in range(rows):
        pair = Tiles(
            np.stack([above[row], below[row]]),
            like.schema,
            like.dark_ink,
            like.target,
            like.gap,
            PAIR_GAP,
            like.limits,
        )
        ax = page.place(0, row * step, pair.width, pair.height)
        pair.draw(ax)
        for line, (text, colour) in enumerate((("original", MUTED), ("reconstruction", INK))):
            ax.text(-8, pair.centre(line, 0)[1], text, size=SMALL_SIZE, color=colour, ha="right", va="center")
    return page.finish()


def _sentence(text: str, note: str) -> str:
    return f"{text} {note}".strip()
