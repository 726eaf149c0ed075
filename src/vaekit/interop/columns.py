"""The columns of a decoded row in few numbers: their means, the range of most values, and the chances of bins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit.likelihoods.table_row import TableRow
from vaekit.schema import Column, Schema

__all__ = ["Layout", "chances", "layout_of", "summaries"]

NUM_BINS = 24
NUM_GRID = 65
"""Places at which the distribution of a number is known when its quantiles are asked for."""
QUANTILES = (0.1, 0.9)


@dataclass(frozen=True)
class Place:
    """Where a column lies in `summaries` (start, size) and in `chances` (chance_start, chance_size).

    Args:
        edges: borders of a number's bins in the data's own units, one more than bins; the outer ones are open. None of
            categories.
        grid: increasing numbers in the model's units, the candidates for a quantile.
        apart: for each of them, whether there is anything between the one before it and itself, and no point mass here.
    """

    start: int
    size: int
    chance_start: int
    chance_size: int
    edges: tuple[float, ...] | None = None
    grid: tuple[float, ...] = ()
    apart: tuple[bool, ...] = ()


@dataclass(frozen=True)
class Layout:
    """The places of all columns, and the affine map of their numbers, raw = x * scale + offset."""

    places: tuple[Place, ...]
    offset: tuple[float, ...]
    scale: tuple[float, ...]


def layout_of(schema: Schema) -> Layout:
    """What `summaries` and `chances` hold of a table.

    `summaries` has the chances of each category, and of a number its mean and its 10 % and 90 % quantiles in the
    data's own units. `chances` has the chances of each category, and of the bins of a number: one for each whole
    number where they are few.
    """
    num = len(schema.columns)
    offset, scale = (
        np.broadcast_to(np.asarray(v, float), (num,)).tolist() for v in (schema.offset, schema.scale)
    )
    places, start, chance = [], 0, 0
    for j, column in enumerate(schema.columns):
        if column.is_category:
            size = len(column.categories)
            places.append(Place(start, size, chance, size))
            start, chance = start + size, chance + size
        else:
            edges, raw = _edges(column), _grid(column)
            grid, apart = (raw - offset[j]) / scale[j], np.diff(raw, prepend=raw[0]) > 1.5 * column.step
            apart &= ~np.isin(raw, column.specials)
            lists = (tuple(values.tolist()) for values in (edges, grid, apart))
            places.append(Place(start, 3, chance, len(edges) - 1, *lists))
            start, chance = start + 3, chance + len(edges) - 1
    return Layout(tuple(places), tuple(offset), tuple(scale))


def _edges(column: Column) -> Any:
    """Borders of bins. The outermost knots are single wild values; nearly everything lies between their neighbours."""
    low, high = (column.knots[1], column.knots[-2]) if len(column.knots) > 4 else (column.low, column.high)
    low, high = min([low, *column.specials]), max([high, *column.specials])
    if not column.step:
        return np.linspace(low, high if high > low else low + 1.0, NUM_BINS + 1)
    width = column.step * max(1, -(-(high - low) // (column.step * NUM_BINS)))
    return np.arange(low - column.step / 2, high + width, width)


def _grid(column: Column) -> Any:
    """Numbers that stand for the column's: evenly spaced in rank among the training part's, special ones too."""
    knots = np.asarray(column.knots or (column.low, column.high), float)
    even = np.interp(np.linspace(0, len(knots) - 1, NUM_GRID), np.arange(len(knots)), knots)
    even = np.round(even / column.step) * column.step if column.step else even
    return np.unique(np.concatenate([even, np.asarray(column.specials, float)]))


def chances(px: TableRow, layout: Layout) -> Tensor:
    """The chance of every category and of every bin of numbers, columns side by side, (*batch, F)."""
    chance, out = px.log_choice().exp(), []
    for j, place in enumerate(layout.places):
        if place.edges is None:
            out.append(_of_categories(px, chance, j))
            continue
        inner = [(edge - layout.offset[j]) / layout.scale[j] for edge in place.edges[1:-1]]
        below = _below(px, chance, j, torch.tensor(inner))
        ends = torch.zeros_like(below[..., :1])
        out.append(torch.cat([below, ends + 1], -1) - torch.cat([ends, below], -1))
    return torch.cat(out, -1)


def summaries(px: TableRow, layout: Layout) -> Tensor:
    """The chance of every category; mean and quantiles of every number in the data's units, (*batch, F)."""
    chance, mean, out = px.log_choice().exp(), px.mean, []
    for j, place in enumerate(layout.places):
        if place.edges is None:
            out.append(_of_categories(px, chance, j))
            continue
        grid = torch.tensor(place.grid)
        # At a whole or special number, what lies on it counts as below; half a step is half of its bin.
        cells = px.cells
        i = cells.at_numbers.index(j)
        below = _below(px, chance, j, grid + cells.step[i] / 2 + 1e-6 * (1 + grid.abs()))
        is_apart = torch.tensor(place.apart)
        numbers = torch.cat([mean[..., j : j + 1], *(_quantile(q, grid, below, is_apart) for q in QUANTILES)], -1)
        out.append(numbers * layout.scale[j] + layout.offset[j])
    return torch.cat(out, -1)


def _quantile(q: float, grid: Tensor, below: Tensor, is_apart: Tensor) -> Tensor:
    """The place of the grid (E,) below which there is a chance of q, (*batch, 1).

    Between two places that are apart, a low quantile takes the lower one, so the range holds at least what it says;
    a line between them would have no digits where the chance hardly rises.
    """
    upper = (below < q).sum(-1, keepdim=True).clamp(max=len(grid) - 1)
    if q > 0.5:
        return grid[upper]
    return torch.where(is_apart[upper], grid[(upper - 1).clamp(min=0)], grid[upper])


def _of_categories(px: TableRow, chance: Tensor, j: int) -> Tensor:
    """The chances of the categories of column j, (*batch, size)."""
    i = px.cells.at_categories.index(j)
    start = px.cells.starts[i]
    return chance[..., start : start + px.cells.sizes[i]]


def _below(px: TableRow, chance: Tensor, j: int, borders: Tensor) -> Tensor:
    """The chance that number j is below each border (E,), (*batch, E)."""
    cells = px.cells
    i = cells.at_numbers.index(j)
    start, count = cells.starts[cells.num_categories + i], cells.counts[i]
    rows = borders.unsqueeze(-1).expand(-1, cells.num_numbers)
    scores = cells.score(rows)[0][:, i].to(chance)
    t = (scores[:, None] - px.loc[..., i, None, :]) / px.scale[..., i, None, :]
    other = (px.log_weight[..., i, None, :].exp() * t.sigmoid()).sum(-1)
    is_below = (cells.specials[i, :count, None].to(borders) < borders).to(chance)
    return (
        chance[..., start + count : start + count + 1] * other + chance[..., start : start + count] @ is_below
    )
