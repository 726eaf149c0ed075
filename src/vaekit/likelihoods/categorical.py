"""Categorical: a mass for every level of integer data, free of any shape."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, Independent, constraints
from torch.types import _size

from vaekit.conditional import Likelihood
from vaekit.distributions.discretized_logistic import to_level
from vaekit.likelihoods.grid import check_grid, check_levels, is_on_grid
from vaekit.nets.net import Head, Net, as_shape
from vaekit.schema import Schema


class LevelCategorical(Distribution):
    """A mass for each of the L grid values k / (L - 1); elementwise.

    Args:
        logits: (*batch, L), normalized here.
    """

    arg_constraints = {"logits": constraints.real_vector}  # noqa: RUF012
    support = constraints.unit_interval

    def __init__(self, logits: Tensor) -> None:
        self.logits = logits.log_softmax(-1)
        self.levels = logits.shape[-1]
        super().__init__(logits.shape[:-1], validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        level = to_level(value, self.levels).long()
        shape = torch.broadcast_shapes(level.shape, self.batch_shape)
        logits = self.logits.expand(*shape, -1)
        return logits.gather(-1, level.expand(shape).unsqueeze(-1)).squeeze(-1)

    @property
    def mean(self) -> Tensor:
        grid = torch.linspace(0, 1, self.levels, dtype=self.logits.dtype, device=self.logits.device)
        return (self.logits.exp() * grid).sum(-1)

    @property
    def mode(self) -> Tensor:
        return self.logits.argmax(-1).to(self.logits.dtype) / (self.levels - 1)

    @torch.no_grad()
    def sample(self, sample_shape: _size = ()) -> Tensor:
        level = torch.distributions.Categorical(logits=self.logits, validate_args=False).sample(
            Size(sample_shape)
        )
        return level.to(self.logits.dtype) / (self.levels - 1)


class Categorical(Likelihood):
    """p(x|z) of integer x with a free mass for every level, as in van den Oord et al., "Pixel Recurrent Neural
    Networks", 2016. It knows no order of the levels and holds `levels` numbers for each element of x.

    Args:
        net: the decoder network, taking z.
        event_shape: shape of one x.
        levels: number of values that x can take.

    Raises:
        UserError: fewer than 2 levels.
    """

    def __init__(self, net: Net, event_shape: int | Sequence[int], *, levels: int = 256) -> None:
        super().__init__()
        self.net, self.levels = net, check_levels(levels)
        self.event_shape, self.context_shape, self.condition = (
            as_shape(event_shape),
            net.in_shape,
            net.condition,
        )
        self.head = Head(net.out_shape, self.event_shape, levels)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Independent:
        assert context is not None
        logits = self.head(self.net(context, condition)).movedim(0, -1)
        return Independent(LevelCategorical(logits), len(self.event_shape), validate_args=False)

    def check(self, schema: Schema) -> None:
        check_grid("Categorical", self.levels, schema)

    def is_likelihood_of(self, schema: Schema) -> bool:
        return is_on_grid(self.levels, schema)
