"""Flow: a base distribution pushed through an invertible map."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

from vaekit.distributions.shaped import tempered


class Bijection(Protocol):
    """An invertible map of vectors: a transform of zuko's, or one of ours."""

    def call_and_ladj(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(..., D) to its image and log|det J|, (...)."""

    @property
    def inv(self) -> Bijection: ...


class Flow(Distribution):
    """z = f(u), u from a base: log p(z) = log p(u) - log|det df/du|.

    The density of the draw just made is known from drawing it, so a flow whose inverse is slow (inverse
    autoregressive) is scored at its own draws for free.

    Args:
        base: a reparameterized distribution over vectors.
        transform: f, from the base to z.
    """

    arg_constraints = {}  # noqa: RUF012
    has_rsample = True

    def __init__(self, base: Distribution, transform: Bijection) -> None:
        self.base, self.transform = base, transform
        self._drawn: tuple[Tensor, Tensor] | None = None
        super().__init__(base.batch_shape, base.event_shape, validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.real_vector

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        return self.image(self.base.rsample(Size(sample_shape)))

    def image(self, u: Tensor) -> Tensor:
        """z = f(u) of a draw u of the base, scored as it is made."""
        z, ladj = self.transform.call_and_ladj(u)
        self._drawn = z, self.base.log_prob(u) - ladj
        return z

    @torch.no_grad()
    def sample(self, sample_shape: _size = ()) -> Tensor:
        return self.transform.call_and_ladj(self.base.sample(Size(sample_shape)))[0]

    def log_prob(self, value: Tensor) -> Tensor:
        if self._drawn is not None and value is self._drawn[0]:
            return self._drawn[1]
        u, ladj = self.transform.inv.call_and_ladj(value)
        return self.base.log_prob(u) + ladj

    @property
    def center(self) -> Tensor:
        """The image of the base's mean; the mean itself has no closed form."""
        return self.transform.call_and_ladj(self.base.mean)[0]

    def tempered(self, temperature: float) -> Flow:
        """The same map of a base with its spread scaled."""
        return Flow(tempered(self.base, temperature), self.transform)


class Affine:
    """shift + stretch * u, elementwise."""

    def __init__(self, shift: Tensor, stretch: Tensor) -> None:
        self.shift, self.stretch = shift, stretch

    def call_and_ladj(self, x: Tensor) -> tuple[Tensor, Tensor]:
        ladj = self.stretch.log().expand(x.shape).sum(-1)
        return self.shift + self.stretch * x, ladj

    @property
    def inv(self) -> Affine:
        return Affine(-self.shift / self.stretch, 1 / self.stretch)


class Chained:
    """Bijections one after the other."""

    def __init__(self, *parts: Bijection) -> None:
        self.parts = parts

    def call_and_ladj(self, x: Tensor) -> tuple[Tensor, Tensor]:
        total: Tensor | float = 0.0
        for part in self.parts:
            x, ladj = part.call_and_ladj(x)
            total = total + ladj
        return x, torch.as_tensor(total)

    @property
    def inv(self) -> Chained:
        return Chained(*(part.inv for part in reversed(self.parts)))
