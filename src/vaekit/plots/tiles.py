"""Tiles: a grid of examples of any kind in one axes, pixels kept sharp."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PolyCollection

from vaekit.plots.style import ACCENT, DPI, INK, SEQUENTIAL, as_numpy, bare
from vaekit.schema import Schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

Look = Literal["image", "heat", "line"]
LINE_SIZE = (54, 108)
"""Height and width in pixels of a tile that holds a line."""


def look_of(schema: Schema) -> Look:
    """Images as they are, matrices as heat maps, everything else as a line over the index."""
    if schema.kind == "image":
        return "image"
    if schema.kind == "array" and len(schema.shape) >= 2 and min(schema.shape[-2:]) >= 4:
        return "heat"
    return "line"


def has_dark_ink(x: Any, schema: Schema) -> bool:
    """Whether to print in dark ink on white: one-channel images whose background, most of the image, is 0."""
    if schema.kind != "image" or schema.shape[0] > 2:
        return False
    values = _unit(as_numpy(x), schema)
    return bool((values < 0.1).mean() > 0.5 and values.mean() < 0.5)


@dataclass
class Tiles:
    """A grid of examples and its geometry; lengths are in pixels inside the axes and in inches outside.

    Args:
        x: (rows, columns, *event); tiles of NaN stay empty.
        schema: what one example is.
        dark_ink: print one-channel images in dark ink on white; decided from x when None.
        target: wanted length in pixels of an image's longer side.
        gap: pixels between tiles; `row_gap` between rows when it differs.
        limits: lowest and highest value of lines and heat maps; taken from x when None.
    """

    x: Any
    schema: Schema
    dark_ink: bool | None = None
    target: int = 84
    gap: int = 8
    row_gap: int | None = None
    limits: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        self.x = as_numpy(self.x).astype(np.float32)
        self.gap_below = self.gap if self.row_gap is None else self.row_gap
        self.look = look_of(self.schema)
        if self.dark_ink is None:
            self.dark_ink = has_dark_ink(self.x, self.schema)
        if self.limits is None and self.look != "image":
            self.limits = value_limits(self.x)
        self.tile_height, self.tile_width = self._tile_size()

    @property
    def rows(self) -> int:
        return len(self.x)

    @property
    def columns(self) -> int:
        return self.x.shape[1]

    @property
    def width(self) -> float:
        """Of the whole grid, in inches."""
        return (self.columns * (self.tile_width + self.gap) - self.gap) / DPI

    @property
    def height(self) -> float:
        """Of the whole grid, in inches."""
        return (self.rows * (self.tile_height + self.gap_below) - self.gap_below) / DPI

    def corner(self, row: float, column: float) -> tuple[float, float]:
        """x and y of a tile's upper left corner, in pixels."""
        return column * (self.tile_width + self.gap), row * (self.tile_height + self.gap_below)

    def centre(self, row: float, column: float) -> tuple[float, float]:
        """x and y of a tile's centre, in pixels."""
        x, y = self.corner(row, column)
        return x + self.tile_width / 2, y + self.tile_height / 2

    def draw(self, ax: Axes, *, behind: Any = None, colour: str = ACCENT) -> None:
        """Draw into axes of this grid's size.

        Args:
            ax: axes of `width` by `height` inches.
            behind: other examples, drawn as pale lines behind lines of the same place.
            colour: of lines.
        """
        bare(ax)
        ax.set_xlim(0, self.width * DPI)
        ax.set_ylim(self.height * DPI, 0)
        if self.look == "line":
            self._draw_lines(ax, as_numpy(behind) if behind is not None else None, colour)
            return
        # Bytes, and opaque: matplotlib copies what it draws several times, and in doubles where alpha is missing.
        canvas = np.full((round(self.height * DPI), round(self.width * DPI), 4), 255, np.uint8)
        for row in range(self.rows):
            for column, tile in enumerate(self._pictures(self.x[row])):
                if np.isfinite(tile).all():
                    left, top = self.corner(row, column)
                    place = canvas[top : top + tile.shape[0], left : left + tile.shape[1], :3]
                    place[:] = np.rint(tile.clip(0, 1) * 255)
        extent = (0, canvas.shape[1], canvas.shape[0], 0)
        ax.imshow(canvas, extent=extent, interpolation="nearest", aspect="auto")

    def _tile_size(self) -> tuple[int, int]:
        if self.look == "line":
            return LINE_SIZE
        height, width = self.schema.shape[-2:]
        scale = self.target / max(height, width)
        # Whole factors keep every pixel the same size.
        scale = max(1, round(scale)) if scale > 0.75 else scale
        return max(1, round(height * scale)), max(1, round(width * scale))

    def _pictures(self, x: NDArray[Any]) -> NDArray[Any]:
        """(N, *event) to colours, (N, tile height, tile width, 3)."""
        if self.look == "heat":
            assert self.limits is not None
            x = x.reshape(len(x), -1, *self.schema.shape[-2:])[:, 0]
            low, high = self.limits
            rgb = np.asarray(colormaps[SEQUENTIAL](np.clip((x - low) / (high - low), 0, 1)))[..., :3]
            rgb = np.where(np.isfinite(x)[..., None], rgb, np.nan)
        else:
            rgb = to_rgb(x, self.schema, dark_ink=bool(self.dark_ink))
        size, tensor = (self.tile_height, self.tile_width), torch.from_numpy(np.moveaxis(rgb, -1, 1).copy())
        if size[0] < rgb.shape[1]:
            tensor = F.interpolate(tensor, size=size, mode="area")
        else:
            tensor = F.interpolate(tensor, size=size, mode="nearest")
        return np.moveaxis(tensor.numpy(), 1, -1)

    def _draw_lines(self, ax: Axes, behind: NDArray[Any] | None, colour: str) -> None:
        boxes = []
        for row in range(self.rows):
            for column in range(self.columns):
                if np.isfinite(self.x[row, column]).all():
                    (x, y), w, h = self.corner(row, column), self.tile_width, self.tile_height
                    boxes.append([(x, y), (x + w, y), (x + w, y + h), (x, y + h)])
        ax.add_collection(PolyCollection(boxes, facecolors="#f5f6f8", edgecolors="none"))
        if behind is not None:
            ax.add_collection(LineCollection(self._paths(behind), colors="#a5adb8", linewidths=2.6))
        ax.add_collection(LineCollection(self._paths(self.x), colors=colour, linewidths=1.0))

    def _paths(self, x: NDArray[Any]) -> list[NDArray[Any]]:
        """Polylines in pixels, one a tile."""
        assert self.limits is not None
        low, high = self.limits
        lines = x.reshape(self.rows, self.columns, *self.schema.shape)
        if self.schema.kind == "audio":
            lines = lines[:, :, 0]
        lines = lines.reshape(self.rows, self.columns, -1)
        num, pad = lines.shape[-1], 4
        across = np.linspace(pad, self.tile_width - pad, num) if num > 1 else np.array([self.tile_width / 2])
        share = np.clip((lines - low) / (high - low), 0, 1)
        down = pad + (1 - share) * (self.tile_height - 2 * pad)
        return [
            np.stack([across + self.corner(r, c)[0], down[r, c] + self.corner(r, c)[1]], -1)
            for r in range(self.rows)
            for c in range(self.columns)
            if np.isfinite(lines[r, c]).all()
        ]


def to_rgb(x: NDArray[Any], schema: Schema, *, dark_ink: bool) -> NDArray[Any]:
    """Images (N, C, H, W) as colours, (N, H, W, 3) in [0, 1]: grey, grey of the first of 2, RGB, RGBA on white."""
    values = np.moveaxis(_unit(x, schema), 1, -1)
    channels = values.shape[-1]
    if channels <= 2:
        grey = values[..., :1]
        if dark_ink:
            paper, ink = np.ones(3, np.float32), np.array([int(INK[i : i + 2], 16) / 255 for i in (1, 3, 5)])
            return (paper + grey * (ink - paper)).astype(np.float32)
        return np.repeat(grey, 3, -1)
    if channels == 4:
        alpha = values[..., 3:]
        return values[..., :3] * alpha + 1 - alpha
    return values


def to_grid(x: Any, rows: int, columns: int) -> NDArray[Any]:
    """(N, *event) as (rows, columns, *event), filled up with NaN."""
    values = as_numpy(x).astype(np.float32)[: rows * columns]
    missing = rows * columns - len(values)
    empty = np.full((missing, *values.shape[1:]), np.nan, np.float32)
    return np.concatenate([values, empty]).reshape(rows, columns, *values.shape[1:])


def value_limits(*arrays: Any) -> tuple[float, float]:
    """A range for lines and heat maps that all but the most extreme values lie in."""
    values = np.concatenate([as_numpy(a).ravel() for a in arrays])
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = (float(v) for v in np.quantile(values, (0.002, 0.998)))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def shape_of_grid(num: int, schema: Schema, *, columns: int = 12, rows: int = 8) -> tuple[int, int]:
    """Rows and columns that show `num` examples well, at most `rows` by `columns`; lines are wide, so fewer."""
    columns = columns if look_of(schema) != "line" else max(1, columns * 2 // 3)
    columns = min(columns, num)
    return max(1, min(rows, math.ceil(num / columns))), max(1, columns)


def _unit(x: NDArray[Any], schema: Schema) -> NDArray[Any]:
    """Image values in [0, 1], clipped; unbounded ones by their own range."""
    low, high = schema.low, schema.high
    if not (math.isfinite(low) and math.isfinite(high)):
        low, high = value_limits(x)
    return np.clip((x - low) / (high - low), 0, 1).astype(np.float32)
