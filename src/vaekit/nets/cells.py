"""Cells: the cells of a table as numbers that networks and densities work with."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from vaekit.errors import UserError


class Numbers(NamedTuple):
    """The cells of the columns of numbers, each (..., C_n): their normal scores, the slope of the score, the place of
    the special number that a cell is, or the number of specials for none."""

    score: Tensor
    slope: Tensor
    special: Tensor


class Cells(nn.Module):
    """Which columns are numbers and which categories; the map of numbers to normal scores and back.

    A column of numbers is piecewise linear between its knots, which are evenly spaced in score, and goes on in a
    straight line beyond them. So scores of the training part are about standard normal, however its numbers are
    distributed, and distances between modes or orders of magnitude do not matter.

    Shapes: C columns, C_n of them numbers and C_c categories; E values of an expectation, which are the probability of
    every category, column by column, and the mean of every number. `owner` (E,) is the column of each.

    Args:
        columns: one dictionary a column, `Schema.cells()`.
    """

    owner: Tensor
    numbers: Tensor
    categories: Tensor
    specials: Tensor
    knots: Tensor
    scores: Tensor
    slopes: Tensor
    last: Tensor
    step: Tensor
    origin: Tensor
    num_specials: Tensor

    def __init__(self, columns: Sequence[dict[str, Any]]) -> None:
        super().__init__()
        if not columns:
            raise UserError("A part for tables needs the table's columns: pass schema.cells().")
        self.num_columns = len(columns)
        self.sizes = [c["size"] for c in columns if "size" in c]
        self.missing = [float(c["missing"]) for c in columns]
        # As lists too: a loop over columns must not depend on tensors, or the model cannot be exported.
        self.at_numbers = [j for j, c in enumerate(columns) if "size" not in c]
        self.at_categories = [j for j, c in enumerate(columns) if "size" in c]
        of_numbers = [columns[j] for j in self.at_numbers]
        self.counts = [len(c["specials"]) for c in of_numbers]
        self.starts = list(accumulate([*self.sizes, *(n + 1 for n in self.counts)], initial=0))[:-1]
        owner = [j for j, size in zip(self.at_categories, self.sizes) for _ in range(size)]
        self._keep("owner", torch.tensor([*owner, *self.at_numbers], dtype=torch.long))
        self._keep("numbers", torch.tensor(self.at_numbers, dtype=torch.long))
        self._keep("categories", torch.tensor(self.at_categories, dtype=torch.long))
        self._keep("num_specials", torch.tensor(self.counts, dtype=torch.long))
        self._keep("specials", _padded([c["specials"] for c in of_numbers]))
        self._keep("knots", _padded([c["knots"] for c in of_numbers]))
        self._keep("scores", _padded([c["scores"] for c in of_numbers]))
        self._keep("last", torch.tensor([len(c["knots"]) - 2 for c in of_numbers], dtype=torch.long))
        slopes = (self.scores[:, 1:] - self.scores[:, :-1]) / (self.knots[:, 1:] - self.knots[:, :-1])
        self._keep("slopes", slopes.nan_to_num(1.0))
        self._keep("step", torch.tensor([float(c["step"]) for c in of_numbers]))
        self._keep("origin", torch.tensor([float(c["origin"]) for c in of_numbers]))
        self.num_numbers, self.num_categories = len(of_numbers), len(self.sizes)

    def _keep(self, name: str, value: Tensor) -> None:
        # What the arguments say is not saved with the weights.
        self.register_buffer(name, value, persistent=False)

    def score(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Normal scores of numbers (..., C_n), and the slope of the map there."""
        place = self._place(self.knots, x)
        columns = torch.arange(self.num_numbers, device=x.device)
        slope = self.slopes[columns, place]
        return self.scores[columns, place] + (x - self.knots[columns, place]) * slope, slope

    def unscore(self, score: Tensor) -> Tensor:
        """The inverse of `score`, whole numbers where the column has such."""
        place = self._place(self.scores, score)
        columns = torch.arange(self.num_numbers, device=score.device)
        x = self.knots[columns, place] + (score - self.scores[columns, place]) / self.slopes[columns, place]
        step = torch.where(self.step > 0, self.step, 1.0)
        return torch.where(self.step > 0, ((x - self.origin) / step).round() * step + self.origin, x)

    def read(self, x: Tensor) -> Numbers:
        """The columns of numbers of rows x (..., C), without missing cells."""
        values = x[..., self.numbers]
        # A number may differ from a special one by rounding in float32, and whole ones by far more at least.
        near = 1e-6 * (1 + self.specials.abs().nan_to_num(posinf=0.0)) + 0.1 * self.step[:, None]
        hits = (values.unsqueeze(-1) - self.specials).abs() <= near
        found, place = hits.int().max(-1) if hits.shape[-1] else (torch.zeros_like(values), values.long())
        return Numbers(*self.score(values), torch.where(found > 0, place, self.num_specials))

    def likeliest(self, expectation: Tensor) -> Tensor:
        """Rows (..., C) of the likeliest categories and the means, of an expectation (..., E)."""
        out, start = expectation.new_empty(*expectation.shape[:-1], self.num_columns), 0
        for j, size in zip(self.at_categories, self.sizes):
            out[..., j] = expectation[..., start : start + size].argmax(-1).to(out.dtype)
            start += size
        out[..., self.numbers] = expectation[..., start:]
        return out

    def _place(self, borders: Tensor, x: Tensor) -> Tensor:
        """The piece that each value (..., C_n) lies in."""
        flat = x.reshape(-1, self.num_numbers).T.contiguous()
        place = torch.searchsorted(borders.to(x.dtype), flat).T.reshape(x.shape) - 1
        return place.clamp(min=0).minimum(self.last)


def _padded(rows: list[Any]) -> Tensor:
    """Rows of different lengths, filled up with infinity."""
    width = max((len(row) for row in rows), default=0)
    return torch.tensor([[*row, *[math.inf] * (width - len(row))] for row in rows], dtype=torch.float32).reshape(
        len(rows), width
    )
