"""Mixture: a weighted sum of densities of one family."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, Independent, Normal, constraints
from torch.types import _size

from vaekit.distributions.shaped import tempered

Pick = Callable[[Tensor], Distribution]


class Mixture(Distribution):
    """sum_k w_k p_k(z). A draw takes a component first, so drawing costs one component and not all of them.

    Args:
        logits: (*batch, C), the components' weights before the softmax.
        components: the densities p_k, batch shape (*batch, C).
        pick: maps component indices (*sample, *batch) to the distributions of these components, of that batch shape.
    """

    arg_constraints = {}  # noqa: RUF012

    def __init__(self, logits: Tensor, components: Distribution, pick: Pick) -> None:
        self.log_weights, self.components, self.pick = logits.log_softmax(-1), components, pick
        super().__init__(components.batch_shape[:-1], components.event_shape, validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.real

    def log_prob(self, value: Tensor) -> Tensor:
        split = value.ndim - len(self.event_shape)
        log_each = gaussian_log_probs(self.components, value)
        if log_each is None:
            log_each = self.components.log_prob(value.unsqueeze(split))
        return (self.log_weights + log_each).logsumexp(-1)

    @property
    def mean(self) -> Tensor:
        weights = self._weights()
        return (weights * self.components.mean).sum(len(self.batch_shape))

    @property
    def variance(self) -> Tensor:
        weights, mean = self._weights(), self.mean.unsqueeze(len(self.batch_shape))
        second = self.components.variance + (self.components.mean - mean).square()
        return (weights * second).sum(len(self.batch_shape))

    @torch.no_grad()
    def sample(self, sample_shape: _size = ()) -> Tensor:
        return self.pick(self._choose(sample_shape)).sample()

    def tempered(self, temperature: float) -> Mixture:
        """Every component with its spread scaled; the weights stay."""
        return Mixture(
            self.log_weights, self.components, lambda index: tempered(self.pick(index), temperature)
        )

    def _choose(self, sample_shape: _size) -> Tensor:
        shape = (*sample_shape, *self.log_weights.shape[:-1])
        chosen = torch.multinomial(
            self.log_weights.exp().reshape(-1, self.log_weights.shape[-1]),
            math.prod(sample_shape),
            replacement=True,
        )
        return chosen.T.reshape(shape)

    def _weights(self) -> Tensor:
        return self.log_weights.exp().reshape(*self.log_weights.shape, *(1 for _ in self.event_shape))

    def expand(self, batch_shape: _size, _instance: Distribution | None = None) -> Mixture:
        assert Size(batch_shape) == self.batch_shape
        return self


def gaussian_log_probs(components: Distribution, value: Tensor) -> Tensor | None:
    """log p_k(z) of C diagonal Gaussians without a batch, (..., C), by matrix products; None for other components.

    sum_d (z - mu)^2 / s^2 is multiplied out, which loses digits where s is small, hence float64. It needs no tensor of
    size (..., C, D), and with hundreds of components it is some ten times quicker.
    """
    if not isinstance(components, Independent) or not isinstance(components.base_dist, Normal):
        return None
    if len(components.batch_shape) != 1 or value.device.type == "mps":
        return None
    num_event = len(components.event_shape)
    loc = components.base_dist.loc.double().flatten(1)
    scale = components.base_dist.scale.double().expand(components.base_dist.loc.shape).flatten(1)
    z = value.double().flatten(value.ndim - num_event)
    middle = loc.mean(0)  # distances, and with them the digits lost, are smallest around it
    z, loc, precision = z - middle, loc - middle, scale.pow(-2)
    constant = scale.log().sum(-1) + 0.5 * (precision * loc.square()).sum(-1)
    constant = constant + 0.5 * loc.shape[-1] * math.log(2 * math.pi)
    log_each = z @ (precision * loc).T - 0.5 * (z.square() @ precision.T) - constant
    return log_each.to(value.dtype)
