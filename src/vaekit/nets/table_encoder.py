"""TableEncoder: the rows of a table, with missing cells, to features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from vaekit.nets.cells import Cells
from vaekit.nets.net import Net
from vaekit.nets.residual_mlp import ResidualMLP

SCORE_RANGE = 6.0  # normal scores beyond it are cut off, so that one wild number does not drown the others


class TableEncoder(Net):
    """Numbers as normal scores and one-hot special numbers, categories one-hot, a bit for each missing cell; then a
    `ResidualMLP`. A missing cell (NaN) is zeros and its bit.

    Args:
        columns: `Schema.cells()`.
        hidden, num_blocks, dropout, around: of the `ResidualMLP`.
        hide: in training, a row hides a share of its cells that is drawn between 0 and this, as if they were missing:
            so the encoder learns to code rows with holes. Half of the rows stay whole.
        condition: number of condition features.

    Example:
        >>> columns = [{"size": 3, "missing": 0.0}, {"size": 2, "missing": 0.1}]
        >>> TableEncoder(columns, 16)(torch.tensor([[2.0, torch.nan]])).shape
        torch.Size([1, 16])
    """

    def __init__(
        self,
        columns: Sequence[dict[str, Any]],
        hidden: int = 256,
        *,
        num_blocks: int = 2,
        dropout: float = 0.0,
        hide: float = 0.0,
        condition: int = 0,
        around: bool = False,
    ) -> None:
        super().__init__()
        self.cells, self.hide, self.condition = Cells(columns), hide, condition
        self.in_shape = (self.cells.num_columns,)
        width = self.cells.num_columns + self.cells.num_numbers + sum(self.cells.sizes)
        width += int(self.cells.num_specials.sum())
        self.body = ResidualMLP(
            width, hidden, num_blocks=num_blocks, dropout=dropout, condition=condition, around=around
        )
        self.out_shape = self.body.out_shape

    def transform(self, x: Tensor, condition: Tensor | None) -> Tensor:
        if self.training and self.hide > 0:
            share = self.hide * torch.rand_like(x[:, :1]) * (torch.rand_like(x[:, :1]) < 0.5)
            x = x.masked_fill(torch.rand_like(x) < share, torch.nan)
        return self.body(self.features(x), condition)

    def features(self, x: Tensor) -> Tensor:
        """Rows (N, C) as what the first layer sees."""
        missing, cells = x.isnan(), self.cells
        x = x.nan_to_num(0.0)
        out = [missing.to(x.dtype)]
        if cells.num_numbers:
            present = ~missing[:, cells.numbers]
            read = cells.read(x)
            out.append(read.score.clamp(-SCORE_RANGE, SCORE_RANGE) * present)
            for j, count in enumerate(cells.counts):
                hot = F.one_hot(read.special[:, j], count + 1)[:, :count]
                out.append(hot.to(x.dtype) * present[:, j : j + 1])
        for j, size in zip(cells.at_categories, cells.sizes):
            code = x[:, j].round().long().clamp(0, size - 1)
            out.append(F.one_hot(code, size).to(x.dtype) * ~missing[:, j : j + 1])
        return torch.cat(out, -1)
