"""New data: draws from the prior, decoded."""

from __future__ import annotations

from typing import Any

from matplotlib.figure import Figure

from vaekit.plots.data_grid import label_tiles, names
from vaekit.plots.points import points
from vaekit.plots.sounds import grid_of_sounds, is_sound, sounds
from vaekit.plots.style import Page
from vaekit.plots.tiles import Tiles, shape_of_grid, to_grid
from vaekit.schema import Schema


def samples(
    x: Any,
    schema: Schema,
    labels: Any = None,
    *,
    dark_ink: bool | None = None,
    note: str = "",
    columns: int = 12,
) -> Figure:
    """New examples in a grid, with the classes that were asked for below.

    Args:
        x: (N, *event), means of p(x|z) for z drawn from the prior; up to 8 rows are shown.
        schema: what one example is.
        labels: (N,) classes that were asked for.
        dark_ink: print one-channel images in dark ink on white; decided from x when None.
        note: added to the subtitle.
        columns: examples a row; the number of classes puts each class into a column of its own.
    """
    title = f"{schema.name}: new samples"
    subtitle = f"The mean of p(x|z) for z drawn from the prior. {note}".strip()
    if schema.num_features == 2:
        return points({"samples": x}, title, subtitle)
    if is_sound(schema):
        shape = grid_of_sounds(len(x), columns=columns)
        return sounds(
            to_grid(x, *shape), schema, title, subtitle, names=None if labels is None else names(labels, schema)
        )
    rows, columns = shape_of_grid(len(x), schema, columns=columns)
    row_gap = 24 if labels is not None else None
    tiles = Tiles(to_grid(x, rows, columns), schema, dark_ink=dark_ink, row_gap=row_gap)
    page = Page(
        max(tiles.width, 4.5), tiles.height, title, subtitle, bottom=0.16 if labels is not None else 0
    )
    ax = page.place(0, 0, tiles.width, tiles.height)
    tiles.draw(ax)
    if labels is not None:
        label_tiles(ax, tiles, names(labels, schema))
    return page.finish()
