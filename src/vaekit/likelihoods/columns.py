"""Columns: a likelihood for each column of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from vaekit.conditional import Likelihood
from vaekit.errors import UserError
from vaekit.likelihoods.table_row import TableRow
from vaekit.nets.cells import Cells
from vaekit.nets.net import Head, Net
from vaekit.schema import Schema

LOGIT_RANGE = 40.0  # e^-80 is far from 0 in float32, so sums over different columns can share one maximum
SCALES = (0.01, 10.0)  # of a logistic, in normal scores; narrower ones would be special numbers


class Columns(Likelihood):
    """p(x|z) of the rows of a table, missing cells left out of the sum, as in Nazabal et al., "Handling Incomplete
    Heterogeneous Data using VAEs", 2020.

    Categories have a free mass each. Numbers are a mixture of point masses at the numbers that repeat (zeros, for
    example) and of logistics over normal scores; of whole numbers it is the mass of each, as in Salimans et al.,
    "PixelCNN++", 2017. Which cells are missing has a likelihood too, where the training part has missing cells, so that
    samples have as many.

    Args:
        net: the decoder network, taking z.
        columns: `Schema.cells()`.
        num_components: logistics of each column of numbers.
        missing: model which cells are missing; False gives complete samples.

    Raises:
        UserError: no columns.

    Example:
        >>> from vaekit.nets import MLP
        >>> columns = [{"size": 3, "missing": 0.0}, {"size": 2, "missing": 0.1}]
        >>> px = Columns(MLP(4, 8), columns)(torch.zeros(5, 4))
        >>> px.log_prob_columns(torch.tensor([[2.0, torch.nan]]))[0, 1].item()
        0.0
    """

    segment: Tensor
    start: Tensor
    can_miss: Tensor

    def __init__(
        self, net: Net, columns: Sequence[dict[str, Any]], *, num_components: int = 8, missing: bool = True
    ) -> None:
        super().__init__()
        self.net, self.cells, self.num_components = net, Cells(columns), num_components
        self.event_shape, self.context_shape, self.condition = (len(columns),), net.in_shape, net.condition
        sizes = [*self.cells.sizes, *(n + 1 for n in self.cells.num_specials.tolist())]
        owner = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
        can_miss = [j for j, share in enumerate(self.cells.missing) if share > 0 and missing]
        self.register_buffer(
            "segment", torch.nn.functional.one_hot(owner, len(sizes)).float(), persistent=False
        )
        self.register_buffer("start", torch.tensor([0, *sizes]).cumsum(0)[:-1], persistent=False)
        self.register_buffer("can_miss", torch.tensor(can_miss, dtype=torch.long), persistent=False)
        num = self.cells.num_numbers
        self.widths = [sum(sizes), len(can_miss), *[num * num_components] * 3, num]
        self.head = Head(net.out_shape, (sum(self.widths),), 1)
        self._spread_out()

    @torch.no_grad()
    def _spread_out(self) -> None:
        """Begin with components side by side over the scores, and with few missing cells."""
        bias = self.head.layer.bias
        assert isinstance(bias, Tensor)
        start = sum(self.widths[:3])
        loc = torch.linspace(-1.5, 1.5, self.num_components) if self.num_components > 1 else torch.zeros(1)
        bias[start : start + self.widths[3]] = loc.repeat(self.cells.num_numbers)
        bias[start + self.widths[3] : start + 2 * self.widths[3]] = -1.0
        shares = torch.tensor([self.cells.missing[j] for j in self.can_miss.tolist()])
        bias[self.widths[0] : self.widths[0] + self.widths[1]] = shares.clamp(1e-4, 1 - 1e-4).logit()

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> TableRow:
        assert context is not None
        (out,) = self.head(self.net(context, condition))
        choice, gone, weight, loc, log_scale, center = out.split(self.widths, -1)
        parts = [
            v.unflatten(-1, (self.cells.num_numbers, self.num_components)) for v in (weight, loc, log_scale)
        ]
        # Each logistic alone would learn where a column lies from its own share of the rows: they move together.
        parts[1] = parts[1] + center.unsqueeze(-1)
        scale = parts[2].exp().clamp(*SCALES)
        choice = LOGIT_RANGE * torch.tanh(choice / LOGIT_RANGE)
        return TableRow(
            self.cells,
            choice,
            self.segment.to(out.dtype),
            self.start,
            parts[0],
            parts[1],
            scale,
            gone,
            self.can_miss,
        )

    def check(self, schema: Schema) -> None:
        if schema.kind != "table":
            raise UserError(
                f"Columns is a likelihood of tables; {schema.name} is {schema.kind} data: use Gaussian."
            )

    def is_likelihood_of(self, schema: Schema) -> bool:
        return schema.kind == "table"
