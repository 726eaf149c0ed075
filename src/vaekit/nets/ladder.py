"""LadderEncoder and LadderBlock: the deterministic halves of a deep top-down hierarchy."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from vaekit.component import Component
from vaekit.errors import UserError
from vaekit.nets.conv import Halving, as_image_shape, halved_sizes, with_condition_maps


class Bottleneck(nn.Module):
    """x + s f(x), f of 1x1, 3x3, 3x3, 1x1 convolutions at half the width, as in Child, "Very Deep VAEs", 2021.

    The last convolution is scaled by 1/sqrt(N) at the start, N the blocks of the whole model, so that the sum of N
    residual branches keeps its variance.
    """

    def __init__(
        self, width_in: int, width_out: int, *, middle: int, size: tuple[int, int], scale: float
    ) -> None:
        super().__init__()
        kernel = 3 if min(size) > 2 else 1  # a 3x3 kernel sees nothing more on maps of 1 or 2 pixels
        layers: list[nn.Module] = []
        for a, b, k in (
            (width_in, middle, 1),
            (middle, middle, kernel),
            (middle, middle, kernel),
            (middle, width_out, 1),
        ):
            layers += [nn.SiLU(), nn.Conv2d(a, b, k, padding=k // 2)]
        last = layers[-1]
        assert isinstance(last, nn.Conv2d)
        assert last.bias is not None
        with torch.no_grad():
            last.weight.mul_(scale)
            last.bias.zero_()
        self.layers = nn.Sequential(*layers)
        self.is_residual = width_in == width_out

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x) if self.is_residual else self.layers(x)


class LadderEncoder(Component):
    """The bottom-up half: an image to feature maps of every size, finest first.

    Args:
        in_shape: (C, H, W); any size.
        width: channels of every map.
        num_blocks: residual blocks at each halved size; one size for each number.
        condition: number of condition features, which join as constant channels.
    """

    def __init__(
        self, in_shape: Sequence[int], width: int, num_blocks: Sequence[int], *, condition: int = 0
    ) -> None:
        super().__init__()
        self.in_shape, self.condition, self.width = (
            as_image_shape(in_shape, "LadderEncoder"),
            condition,
            width,
        )
        self.sizes = halved_sizes(self.in_shape[1], self.in_shape[2], len(num_blocks))[1:]
        scale = 1 / math.sqrt(max(1, sum(num_blocks)))
        widths = [self.in_shape[0] + condition, *[width] * (len(num_blocks) - 1)]
        self.down = nn.ModuleList(Halving(w, width) for w in widths)
        self.blocks = nn.ModuleList(
            nn.Sequential(
                *(Bottleneck(width, width, middle=width // 2, size=size, scale=scale) for _ in range(number))
            )
            for number, size in zip(num_blocks, self.sizes, strict=True)
        )

    def forward(self, x: Tensor, condition: Tensor | None = None) -> list[Tensor]:
        """(B, C, H, W) to one map (B, width, h, w) for each size."""
        x = with_condition_maps(x, condition if self.condition else None)
        maps = []
        for down, blocks in zip(self.down, self.blocks, strict=True):
            x = blocks(down(x))
            maps.append(x)
        return maps


class LadderBlock(Component):
    """One latent layer of the top-down half: from the state above, a prior, a posterior, and the state below.

    Child, 2021; Sonderby et al., "Ladder Variational Autoencoders", 2016. The prior starts at N(0, I) with a zero
    residual, the posterior reads the bottom-up features of its size beside the state.

    Args:
        width: channels of the state.
        latent: channels of z.
        size: (h, w) of state and z.
        scale: 1/sqrt(N), N the number of layers.
    """

    def __init__(self, width: int, latent: int, size: Sequence[int], *, scale: float) -> None:
        super().__init__()
        if latent < 1:
            raise UserError(f"A latent layer needs at least 1 channel; {latent} came.")
        self.size, self.latent = (int(size[0]), int(size[1])), latent
        middle = max(8, width // 2)

        def block(width_in: int, width_out: int, scale: float) -> Bottleneck:
            return Bottleneck(width_in, width_out, middle=middle, size=self.size, scale=scale)

        self.prior = block(width, 2 * latent + width, 0.0)
        self.posterior = block(2 * width, 2 * latent, scale)
        self.merge = nn.Conv2d(latent, width, 1)
        with torch.no_grad():
            self.merge.weight.mul_(scale)
        self.mix = block(width, width, scale)

    def prior_parameters(self, state: Tensor) -> tuple[Tensor, Tensor]:
        """State (N, width, h, w) to mean and log-variance (N, 2, latent, h, w) and the residual for the state."""
        parameters, residual = self.prior(state).split([2 * self.latent, state.shape[1]], 1)
        return parameters.unflatten(1, (2, self.latent)), residual

    def posterior_parameters(self, state: Tensor, features: Tensor) -> Tensor:
        """State and bottom-up features to mean and log-variance (N, 2, latent, h, w)."""
        return self.posterior(torch.cat([state, features], 1)).unflatten(1, (2, self.latent))

    def next_state(self, state: Tensor, residual: Tensor, z: Tensor) -> Tensor:
        """The state that the layer below sees."""
        return self.mix(state + residual + self.merge(z.to(state.dtype)))
