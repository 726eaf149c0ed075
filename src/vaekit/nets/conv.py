"""ConvEncoder and ConvDecoder: plain convolutions for images of any size."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vaekit.errors import UserError
from vaekit.nets.net import Net, activation_of, as_shape


def halved_sizes(height: int, width: int, times: int) -> list[tuple[int, int]]:
    """The sizes that `times` convolutions of stride 2 leave, largest first: odd sizes round up.

    Example:
        >>> halved_sizes(28, 20, 2)
        [(28, 20), (14, 10), (7, 5)]
    """
    sizes = [(height, width)]
    for _ in range(times):
        height, width = (height + 1) // 2, (width + 1) // 2
        sizes.append((height, width))
    return sizes


def as_image_shape(shape: Sequence[int], who: str) -> tuple[int, int, int]:
    """A (C, H, W) shape, or one sentence that says what came."""
    shape = as_shape(shape)
    if len(shape) != 3:
        raise UserError(
            f"{who} takes images of shape (C, H, W); {shape} came. Use MLP for data of another kind."
        )
    return shape[0], shape[1], shape[2]


def with_condition_maps(x: Tensor, condition: Tensor | None) -> Tensor:
    """Images with the condition features as further, constant channels."""
    if condition is None:
        return x
    return torch.cat([x, condition[:, :, None, None].expand(-1, -1, *x.shape[2:])], 1)


class Stem(nn.Module):
    """The first layer of a decoder: a vector or a coarse map, and the condition, to maps of the coarsest size."""

    def __init__(self, in_shape: tuple[int, ...], condition: int, width: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.size = size
        self.is_map = len(in_shape) == 3
        if self.is_map and in_shape[1:] != size:
            raise UserError(
                f"A decoder of this depth starts from maps of {size}; the latent has {in_shape[1:]}."
            )
        self.layer: nn.Module
        if self.is_map:
            self.layer = nn.Conv2d(in_shape[0] + condition, width, 3, padding=1)
        else:
            self.layer = nn.Linear(math.prod(in_shape) + condition, width * math.prod(size))

    def forward(self, z: Tensor, condition: Tensor | None) -> Tensor:
        if self.is_map:
            return self.layer(with_condition_maps(z, condition))
        z = z.flatten(1)
        return self.layer(z if condition is None else torch.cat([z, condition], -1)).unflatten(
            1, (-1, *self.size)
        )


class Halving(nn.Conv2d):
    """A 3x3 convolution of stride 2: maps (N, C, H, W) of half the size, odd sizes rounded up.

    On maps one pixel wide the outer columns of the kernel meet nothing but padding, and oneDNN leaves their gradient
    unwritten in bfloat16 (torch 2.13); there the middle column alone is convolved, which gives the same.
    """

    def __init__(self, width_in: int, width_out: int) -> None:
        super().__init__(width_in, width_out, 3, stride=2, padding=1)

    def forward(self, input: Tensor) -> Tensor:
        if input.shape[-1] > 1:
            return super().forward(input)
        return F.conv2d(input, self.weight[..., 1:2], self.bias, stride=(2, 1), padding=(1, 0))


class ConvEncoder(Net):
    """Convolutions of stride 2, each followed by an activation: (C, H, W) to (widths[-1], h, w).

    Args:
        in_shape: (C, H, W); any size.
        widths: channels after each halving of the size.
        activation: as in `MLP`.
        condition: number of condition features, which join as constant channels.

    Raises:
        UserError: in_shape is no image's, or an unknown activation.

    Example:
        >>> ConvEncoder((1, 28, 28), (32, 64)).out_shape
        (64, 7, 7)
    """

    def __init__(
        self,
        in_shape: Sequence[int],
        widths: Sequence[int] = (32, 64),
        *,
        activation: str = "relu",
        condition: int = 0,
    ) -> None:
        super().__init__()
        self.in_shape, self.condition = as_image_shape(in_shape, "ConvEncoder"), condition
        layers: list[nn.Module] = []
        for width_in, width_out in pairwise([self.in_shape[0] + condition, *widths]):
            layers += [Halving(width_in, width_out), activation_of(activation)()]
        self.layers = nn.Sequential(*layers)
        self.out_shape = (widths[-1], *halved_sizes(self.in_shape[1], self.in_shape[2], len(widths))[-1])

    def transform(self, x: Tensor, condition: Tensor | None) -> Tensor:
        return self.layers(with_condition_maps(x, condition))


class ConvDecoder(Net):
    """The mirror of `ConvEncoder`: a latent vector or coarse map to feature maps of the image's own size.

    Args:
        in_shape: shape of z: D, or (D, h, w) of the coarsest size.
        size: (H, W) of the image.
        widths: channels at the coarsest size and after each doubling but the last, which keeps the last width.
        activation: as in `MLP`.
        condition: number of condition features, which join z.

    Raises:
        UserError: a coarse map of another size than the image's coarsest, or an unknown activation.

    Example:
        >>> ConvDecoder(20, (28, 28), (64, 32)).out_shape
        (32, 28, 28)
    """

    def __init__(
        self,
        in_shape: int | Sequence[int],
        size: Sequence[int],
        widths: Sequence[int] = (64, 32),
        *,
        activation: str = "relu",
        condition: int = 0,
    ) -> None:
        super().__init__()
        self.in_shape, self.condition = as_shape(in_shape), condition
        self.sizes = halved_sizes(size[0], size[1], len(widths))[::-1]
        self.stem = Stem(self.in_shape, condition, widths[0], self.sizes[0])
        self.layers = nn.ModuleList(
            nn.ConvTranspose2d(width_in, width_out, 4, stride=2, padding=1)
            for width_in, width_out in pairwise([*widths, widths[-1]])
        )
        self.activation = activation_of(activation)()
        self.out_shape = (widths[-1], *self.sizes[-1])

    def transform(self, x: Tensor, condition: Tensor | None) -> Tensor:
        x = self.activation(self.stem(x, condition))
        for layer, (height, width) in zip(self.layers, self.sizes[1:], strict=True):
            x = self.activation(layer(x)[..., :height, :width])  # a doubled odd size is one too large
        return x
