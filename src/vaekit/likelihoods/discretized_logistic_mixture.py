"""DiscretizedLogisticMixture: the likelihood of 8-bit colour images with several plausible values a pixel."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from vaekit.conditional import Likelihood
from vaekit.distributions.discretized_logistic_mixture import (
    DiscretizedLogisticMixture as DiscretizedLogisticMixtureDistribution,
)
from vaekit.errors import UserError
from vaekit.likelihoods.discretized_logistic import MIN_SPREAD, START_SPREAD
from vaekit.likelihoods.grid import check_grid, check_levels, is_on_grid
from vaekit.likelihoods.scale import Scale
from vaekit.nets.net import Head, Net, as_shape
from vaekit.schema import Schema


class DiscretizedLogisticMixture(Likelihood):
    """p(x|z) of integer x: for each pixel a mixture of discretized logistics, in which red moves green and both move
    blue. Salimans et al., "PixelCNN++", 2017.

    An event of three dimensions is an image (C, H, W), whose C channels are coupled in their order; the elements of
    any other event are pixels of one channel.

    Args:
        net: the decoder network, taking z.
        event_shape: shape of one x.
        num_components: number of logistics a pixel, M.
        levels: number of values that x can take.

    Raises:
        UserError: fewer than 2 levels, or no component.
    """

    centers: Tensor

    def __init__(
        self, net: Net, event_shape: int | Sequence[int], *, num_components: int = 5, levels: int = 256
    ) -> None:
        super().__init__()
        if num_components < 1:
            raise UserError(
                f"DiscretizedLogisticMixture takes num_components of at least 1; {num_components} came."
            )
        self.net, self.levels, self.num_components = net, check_levels(levels), num_components
        self.event_shape, self.context_shape, self.condition = (
            as_shape(event_shape),
            net.in_shape,
            net.condition,
        )
        self.is_image = len(self.event_shape) == 3
        self.num_channels = self.event_shape[0] if self.is_image else 1
        self.num_couplings = self.num_channels * (self.num_channels - 1) // 2
        # Equal components would get equal gradients for ever; spread over [0, 1], each has its own part of it.
        centers = (torch.arange(num_components) + 0.5) / num_components
        self.register_buffer("centers", centers, persistent=False)
        self.scale = Scale(
            "network",
            self.event_shape,
            owner="DiscretizedLogisticMixture",
            minimum=MIN_SPREAD / (levels - 1),
            start=START_SPREAD / num_components,
        )
        pixels = (1, *self.event_shape[1:]) if self.is_image else self.event_shape
        self.head = Head(
            net.out_shape, pixels, num_components * (1 + 2 * self.num_channels + self.num_couplings)
        )

    def forward(
        self, context: Tensor | None, condition: Tensor | None = None
    ) -> DiscretizedLogisticMixtureDistribution:
        assert context is not None
        params = self.head(self.net(context, condition))  # (params, *batch, *pixels)
        num_pixel_dims = 2 if self.is_image else len(self.event_shape)
        if self.is_image:
            params = params.squeeze(-3)
        params = params.unflatten(0, (-1, self.num_components)).movedim(1, -1)  # (rows, *batch, *pixels, M)
        C = self.num_channels
        (logits,), loc, scale, coupling = params.split([1, C, C, self.num_couplings])
        return DiscretizedLogisticMixtureDistribution(
            logits,
            loc + self.centers,
            self.scale(scale),
            torch.tanh(coupling),
            levels=self.levels,
            num_pixel_dims=num_pixel_dims,
            has_channels=self.is_image,
        )

    def check(self, schema: Schema) -> None:
        check_grid("DiscretizedLogisticMixture", self.levels, schema)

    def is_likelihood_of(self, schema: Schema) -> bool:
        return is_on_grid(self.levels, schema)
