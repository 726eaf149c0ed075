"""The data as the model sees it."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from vaekit.plots.points import points
from vaekit.plots.sounds import grid_of_sounds, is_sound, sounds
from vaekit.plots.style import INK, MUTED, SMALL_SIZE, Page, as_numpy, counted
from vaekit.plots.tiles import Tiles, look_of, shape_of_grid, to_grid
from vaekit.schema import Schema


def data_grid(x: Any, schema: Schema, labels: Any = None, *, dark_ink: bool | None = None) -> Figure:
    """Examples in a grid, with the names of their classes below.

    Args:
        x: (N, *event), as the model sees it; up to 96 are shown.
        schema: what one example is.
        labels: (N,) class of each example.
        dark_ink: print one-channel images in dark ink on white; decided from x when None.
    """
    title = f"{schema.name}: the data as the model sees it"
    if schema.num_features == 2:
        return points({"data": x}, title, counted(len(as_numpy(x)), "example"))
    if is_sound(schema):
        grid = to_grid(x, *grid_of_sounds(len(x)))
        return sounds(grid, schema, title, facts(schema), names=None if labels is None else names(labels, schema))
    rows, columns = shape_of_grid(len(x), schema)
    tiles = Tiles(
        to_grid(x, rows, columns), schema, dark_ink=dark_ink, row_gap=24 if labels is not None else None
    )
    page = Page(
        max(tiles.width, 4.0), tiles.height, title, facts(schema), bottom=0.16 if labels is not None else 0
    )
    ax = page.place(0, 0, tiles.width, tiles.height)
    tiles.draw(ax)
    if labels is not None:
        label_tiles(ax, tiles, names(labels, schema))
    return page.finish()


def facts(schema: Schema) -> str:
    """Shape and values of one example in words."""
    shape = " × ".join(map(str, schema.shape))
    if look_of(schema) == "image" and schema.shape[0] == 1:
        shape = " × ".join(map(str, schema.shape[1:]))
    size = f"{shape} values" if len(schema.shape) == 1 else shape
    if schema.is_binary:
        return f"{size}, binary"
    if is_sound(schema):
        assert schema.rate is not None
        return f"{schema.shape[-1] / schema.rate:.3g} s at {schema.rate:,} Hz."
    levels = f", {schema.levels} levels" if schema.levels else ""
    bounded = abs(schema.low) < 1e30 and abs(schema.high) < 1e30
    if bounded:
        return f"{size}, values {schema.low:g} to {schema.high:g}{levels}"
    return size if (schema.offset, schema.scale) == (0.0, 1.0) else f"{size}, standardized"


def names(labels: Any, schema: Schema) -> list[str]:
    """Class names of labels, cut to what fits below a tile."""
    known = schema.label_names
    texts = [known[int(i)] if 0 <= int(i) < len(known) else str(int(i)) for i in as_numpy(labels)]
    return [text if len(text) <= 11 else text[:10] + "…" for text in texts]


def label_tiles(ax: Any, tiles: Tiles, texts: list[str]) -> None:
    """A small name below each tile."""
    for i, text in enumerate(texts[: tiles.rows * tiles.columns]):
        x, y = tiles.centre(*divmod(i, tiles.columns))
        y += tiles.tile_height / 2 + 4
        ax.text(
            x, y, text, size=SMALL_SIZE - 1.5, color=MUTED if len(text) > 2 else INK, ha="center", va="top"
        )
