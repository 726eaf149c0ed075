"""WholeTrace: a batch that processes share, as one trace, for an objective that compares its examples."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal
from torch.types import _size

from vaekit.ranks import Split, sharing
from vaekit.trace import Layer, Trace


class WholeTrace(Trace):
    """A trace of all examples of a batch, of which this process passed its own through the model.

    What is asked for is gathered from all ranks when it is asked for, most of it one number an example; every rank must
    ask for the same. The gradient finds its way back.

    Args:
        own: the pass over this rank's examples.
        split: how the batch is shared.
    """

    def __init__(self, own: Trace, split: Split) -> None:
        self.own, self.split, self._log_px = own, split, None

    @cached_property
    def x(self) -> Tensor:  # type: ignore[override]
        return self.split.gathered(self.own.x)

    @cached_property
    def y(self) -> Tensor | None:  # type: ignore[override]
        return None if self.own.y is None else self.split.gathered(self.own.y)

    @cached_property
    def px(self) -> Distribution:  # type: ignore[override]
        return Whole(self.own.px, self.split)

    @cached_property
    def layers(self) -> list[Layer]:  # type: ignore[override]
        return [WholeLayer(layer, self.split) for layer in self.own.layers]

    @property
    def log_px(self) -> Tensor:
        if self._log_px is None:
            px = self.__dict__.get("px")
            self._log_px = (
                self.gathered("log_px", 1) if px is None or isinstance(px, Whole) else px.log_prob(self.x)
            )
        return self._log_px

    @property
    def kl(self) -> Tensor:
        return self.gathered("kl")

    @property
    def log_w(self) -> Tensor:
        return self.gathered("log_w", 1)

    @property
    def penalty(self) -> Tensor | None:
        return None if self.own.penalty is None else self.gathered("penalty")

    def gathered(self, name: str, dim: int = 0) -> Tensor:
        """A property of the own trace, of all ranks."""
        with sharing(self.split):
            value = getattr(self.own, name)
        return self.split.gathered(value, dim)


class WholeLayer(Layer):
    """A latent layer of all examples of a batch."""

    def __init__(self, own: Layer, split: Split) -> None:
        self.own, self.split = own, split

    @cached_property
    def z(self) -> Tensor:  # type: ignore[override]
        return self.split.gathered(self.own.z, 1)

    @cached_property
    def qz(self) -> Distribution:  # type: ignore[override]
        return whole(self.own.qz, self.split)

    @cached_property
    def pz(self) -> Distribution:  # type: ignore[override]
        return whole(self.own.pz, self.split)

    @property
    def log_qz(self) -> Tensor:
        return self.split.gathered(self.own.log_qz, 1)

    @property
    def log_pz(self) -> Tensor:
        return self.split.gathered(self.own.log_pz, 1)

    @property
    def kl_per_dimension(self) -> Tensor:
        return self.split.gathered(self.own.kl_per_dimension)

    @property
    def penalty(self) -> Tensor | None:
        return None if self.own.penalty is None else self.split.gathered(self.own.penalty)


class Whole(Distribution):
    """A distribution for each example of a batch, of which this rank holds those of its own examples.

    Args:
        own: batch shape (B,) or (K, B).
        split: how the batch is shared.
    """

    arg_constraints = {}  # noqa: RUF012

    def __init__(self, own: Distribution, split: Split) -> None:
        self.own, self.split, self.dim = own, split, len(own.batch_shape) - 1
        super().__init__(
            torch.Size([*own.batch_shape[:-1], split.total]), own.event_shape, validate_args=False
        )

    @property
    def mean(self) -> Tensor:
        return self.split.gathered(self.own.mean, self.dim)

    @torch.no_grad()
    def sample(self, sample_shape: _size = ()) -> Tensor:
        with sharing(self.split):
            drawn = self.own.sample(torch.Size(sample_shape))
        return self.split.gathered(drawn, len(sample_shape) + self.dim)

    def log_prob(self, value: Tensor) -> Tensor:
        dim = value.ndim - len(self.event_shape) - 1
        own = value.narrow(dim, self.split.start, self.split.count)
        with sharing(self.split):
            log_prob = self.own.log_prob(own)
        return self.split.gathered(log_prob, log_prob.ndim - 1)


def whole(own: Any, split: Split) -> Any:
    """A distribution of all examples; one that does not depend on the example is the same for all."""
    if not own.batch_shape:
        return own
    if isinstance(own, Independent) and isinstance(own.base_dist, Normal):
        loc, scale = (
            split.gathered(t, len(own.batch_shape) - 1) for t in (own.base_dist.loc, own.base_dist.scale)
        )
        base = Normal(loc, scale, validate_args=False)
        return Independent(base, own.reinterpreted_batch_ndims, validate_args=False)
    return Whole(own, split)
