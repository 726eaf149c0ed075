"""DiscretizedLogisticMixture: a mixture of discretized logistics for each pixel, its channels coupled linearly."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

from vaekit.distributions.discretized_logistic import clipped_mean, draw, log_mass


class DiscretizedLogisticMixture(Distribution):
    """One choice of component for a whole pixel; given it, channel c is logistic around loc_c plus a linear function
    of the channels before it. Salimans et al., "PixelCNN++", 2017.

    Shapes: M components, C channels, P = C (C - 1) / 2 couplings, *pixels the event without its channel dimension.
    The event is (C, *pixels), or *pixels where `has_channels` is False (then C = 1).

    Args:
        logits: weights of the mixture, (*batch, *pixels, M).
        loc, scale: (C, *batch, *pixels, M), in units of x.
        coupling: (P, *batch, *pixels, M), row c (c - 1) / 2 + j for the effect of channel j on channel c.
        levels: number of grid values in [0, 1].
        num_pixel_dims: number of pixel dimensions.
        has_channels: whether the event has a channel dimension, before the pixels.
    """

    arg_constraints = {"logits": constraints.real, "loc": constraints.real, "scale": constraints.positive}  # noqa: RUF012
    support = constraints.unit_interval

    def __init__(
        self,
        logits: Tensor,
        loc: Tensor,
        scale: Tensor,
        coupling: Tensor,
        *,
        levels: int = 256,
        num_pixel_dims: int = 2,
        has_channels: bool = True,
    ) -> None:
        self.logits, self.loc, self.scale, self.coupling, self.levels = logits, loc, scale, coupling, levels
        self.num_pixel_dims, self.has_channels = num_pixel_dims, has_channels
        split = logits.ndim - 1 - num_pixel_dims
        pixels = logits.shape[split:-1]
        event = Size([len(loc), *pixels]) if has_channels else pixels
        super().__init__(logits.shape[:split], event, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        channels = value.unbind(-1 - self.num_pixel_dims) if self.has_channels else (value,)
        before: list[Tensor] = []
        log_joint = self.logits.log_softmax(-1)
        for c, x in enumerate(x.unsqueeze(-1) for x in channels):
            center = _center(self.loc, self.coupling, before)
            log_joint = log_joint + log_mass(x, center, self.scale[c], self.levels)
            before.append(x)
        log_px = log_joint.logsumexp(-1)  # (*batch, *pixels)
        return log_px.flatten(log_px.ndim - self.num_pixel_dims).sum(-1)

    @property
    def mean(self) -> Tensor:
        """The weighted mean of the components. Each channel's mean is taken at the means of the channels before it,
        which is exact but for the clipping of those to [0, 1] and the rounding to levels."""
        means: list[Tensor] = []
        for scale in self.scale:
            means.append(clipped_mean(_center(self.loc, self.coupling, means), scale))
        weights = self.logits.softmax(-1)
        return self._as_event([(weights * mean).sum(-1) for mean in means])

    @torch.no_grad()
    def sample(self, sample_shape: _size = ()) -> Tensor:
        logits = self.logits.expand(*sample_shape, *self.logits.shape)
        gumbel = -torch.empty_like(logits, memory_format=torch.contiguous_format).exponential_().log()
        chosen = (logits + gumbel).argmax(-1, keepdim=True)

        def of_chosen(params: Tensor) -> list[Tensor]:
            return [p.expand(logits.shape).gather(-1, chosen).squeeze(-1) for p in params]

        loc, scale, coupling = of_chosen(self.loc), of_chosen(self.scale), of_chosen(self.coupling)
        channels: list[Tensor] = []
        for c in range(len(loc)):
            channels.append(draw(_center(loc, coupling, channels), scale[c], self.levels))
        return self._as_event(channels)

    def _as_event(self, channels: list[Tensor]) -> Tensor:
        return torch.stack(channels, -1 - self.num_pixel_dims) if self.has_channels else channels[0]


def _center(loc: Tensor | list[Tensor], coupling: Tensor | list[Tensor], before: list[Tensor]) -> Tensor:
    """Centre of the next channel given the channels before it, which act by their distance from grey, 1/2."""
    c = len(before)
    center = loc[c]
    for j, x in enumerate(before):
        center = center + coupling[c * (c - 1) // 2 + j] * (x - 0.5)
    return center
