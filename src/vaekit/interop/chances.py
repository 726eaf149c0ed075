"""The distributions of a table's columns as chances of bins: what a picture of a row needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from vaekit.likelihoods.table_row import TableRow
from vaekit.schema import Schema

__all__ = ["ColumnBins", "bins_of", "chances"]

NUM_BINS = 24


@dataclass(frozen=True)
class ColumnBins:
    """Where the chances of a column lie in `chances`, and what they are chances of.

    Args:
        start, size: the slice.
        edges: (size + 1,) borders of a number's bins in the model's units; the first and the last bin hold what lies
            beyond, too. None for categories.
    """

    start: int
    size: int
    edges: tuple[float, ...] | None


def bins_of(schema: Schema) -> list[ColumnBins]:
    """The bins of every column of a table: a bin for each whole number where they are few."""
    made: list[ColumnBins] = []
    start = 0
    offsets, scales = (np.broadcast_to(np.asarray(v), (len(schema.columns),)) for v in (schema.offset, schema.scale))
    for column, offset, scale in zip(schema.columns, offsets, scales, strict=True):
        if column.is_category:
            size, edges = len(column.categories), None
        else:
            # The outermost knots are single wild values; nearly everything lies between their neighbours.
            low, high = (column.knots[1], column.knots[-2]) if len(column.knots) > 4 else (column.low, column.high)
            low, high = min([low, *column.specials]), max([high, *column.specials])
            step = column.step * max(1, -(-(high - low) // (column.step * NUM_BINS))) if column.step else 0.0
            if step:
                raw = np.arange(low - column.step / 2, high + step, step)
            else:
                raw = np.linspace(low, high if high > low else low + 1.0, NUM_BINS + 1)
            size, edges = len(raw) - 1, tuple(((raw - offset) / scale).tolist())
        made.append(ColumnBins(start, size, edges))
        start += size
    return made


def chances(px: TableRow, bins: list[ColumnBins]) -> Tensor:
    """The chance of every category, and of every bin of numbers, columns side by side, (*batch, F)."""
    cells, num = px.cells, px.cells.num_categories
    chance = px.log_choice().exp()
    out: dict[int, Tensor] = {}
    for j, start, size in zip(cells.categories.tolist(), px.start[:num].tolist(), cells.sizes):
        out[j] = chance[..., start : start + size]
    for i, (j, start, count) in enumerate(
        zip(cells.numbers.tolist(), px.start[num:].tolist(), cells.num_specials.tolist())
    ):
        edges = bins[j].edges
        assert edges is not None
        inner = torch.tensor(edges[1:-1], dtype=torch.float32)
        rows = inner.unsqueeze(-1).expand(-1, cells.num_numbers)
        scores = cells.score(rows)[0][:, i].to(chance)
        t = (scores[:, None] - px.loc[..., i, None, :]) / px.scale[..., i, None, :]
        below = (px.log_weight[..., i, None, :].exp() * t.sigmoid()).sum(-1)  # (*batch, size - 1)
        ends = torch.zeros_like(below[..., :1])
        mass = torch.cat([below, ends + 1], -1) - torch.cat([ends, below], -1)
        mass = mass * chance[..., start + count : start + count + 1]
        # Each special number adds its chance to the bin that it lies in.
        place = torch.searchsorted(inner, cells.specials[i, :count].to(inner), right=True)
        hot = torch.nn.functional.one_hot(place, bins[j].size).to(chance)
        out[j] = mass + chance[..., start : start + count] @ hot
    return torch.cat([out[j] for j in range(cells.num_columns)], -1)
