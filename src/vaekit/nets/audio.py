"""FrameEncoder and FrameDecoder: convolutions over time with the bands as channels, for sound of any length."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from vaekit.errors import UserError
from vaekit.nets.conv import with_condition_maps
from vaekit.nets.net import Net, activation_of, as_shape


class TimeConv(nn.Module):
    """A convolution over the last axis of (N, C, 1, L), whose output has L / stride frames.

    Args:
        stride: frames in to one frame out.
        dilation: distance of the taps.
        causal: an output frame sees no frame after the last one of its own stride.
    """

    def __init__(
        self,
        width_in: int,
        width_out: int,
        *,
        size: int = 3,
        stride: int = 1,
        dilation: int = 1,
        causal: bool,
    ) -> None:
        super().__init__()
        reach = dilation * (size - 1) + 1 - stride  # frames beyond those of its own stride
        before = reach if causal else reach // 2
        self.padding = (before, reach - before)
        self.layer = nn.Conv2d(width_in, width_out, (1, size), stride=(1, stride), dilation=(1, dilation))

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(F.pad(x, self.padding))


class TimeBlock(nn.Module):
    """x + f(x), f a wide convolution over time and a pointwise one that starts at zero."""

    def __init__(self, width: int, dilation: int, activation: str, causal: bool) -> None:
        super().__init__()
        last = nn.Conv2d(width, width, 1)
        nn.init.zeros_(last.weight)
        assert last.bias is not None
        nn.init.zeros_(last.bias)
        act = activation_of(activation)
        wide = TimeConv(width, width, dilation=dilation, causal=causal)
        self.layers = nn.Sequential(act(), wide, act(), last)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


def blocks(width: int, num_blocks: int, activation: str, causal: bool) -> list[nn.Module]:
    """Residual blocks whose reach doubles from each to the next."""
    return [TimeBlock(width, 2**i, activation, causal) for i in range(num_blocks)]


def as_frames(shape: Sequence[int], stride: int, who: str) -> tuple[int, int]:
    """Channels and number of frames of a shape (1, M, L) or (C, 1, L), L a multiple of the stride."""
    shape = as_shape(shape)
    if len(shape) != 3 or 1 not in shape[:2] or shape[2] % stride:
        raise UserError(
            f"{who} takes frames of shape (1, bands, L) or (channels, 1, L), L a multiple of {stride}; {shape} came."
        )
    return shape[0] * shape[1], shape[2]


class FrameEncoder(Net):
    """A spectrogram (1, M, L) to features (width, 1, L / stride); its weights do not depend on L.

    Args:
        in_shape: (1, M, L).
        width: channels.
        strides: frames that are joined to one, layer by layer.
        num_blocks: residual blocks after each of them.
        activation: as in `MLP`.
        causal: features see nothing of the frames that follow.
        condition: number of condition features, which join as constant channels.

    Raises:
        UserError: a shape that is not of frames, a multiple of the strides, or an unknown activation.

    Example:
        >>> FrameEncoder((1, 48, 128), 32, (2, 2)).out_shape
        (32, 1, 32)
    """

    def __init__(
        self,
        in_shape: Sequence[int],
        width: int = 128,
        strides: Sequence[int] = (2, 2),
        *,
        num_blocks: int = 2,
        activation: str = "silu",
        causal: bool = False,
        condition: int = 0,
    ) -> None:
        super().__init__()
        self.in_shape, self.condition = as_shape(in_shape), condition
        total = 1
        for stride in strides:
            total *= stride
        bands, length = as_frames(self.in_shape, total, "FrameEncoder")
        layers: list[nn.Module] = []
        widths = [bands + condition, *(width for _ in strides)]
        for (width_in, width_out), stride in zip(pairwise(widths), strides):
            layers.append(TimeConv(width_in, width_out, size=2 * stride + 1, stride=stride, causal=causal))
            layers += blocks(width_out, num_blocks, activation, causal)
        self.layers = nn.Sequential(*layers, activation_of(activation)())
        self.out_shape = (width, 1, length // total)

    def transform(self, x: Tensor, condition: Tensor | None) -> Tensor:
        return self.layers(with_condition_maps(x.reshape(x.shape[0], -1, 1, x.shape[-1]), condition))


class FrameDecoder(Net):
    """The mirror of `FrameEncoder`: latents (D, 1, L / stride), or one of D numbers, to features (width, 1, L).

    Args:
        in_shape: (D, 1, L / stride), or D.
        width: channels.
        strides: frames made of one, layer by layer.
        num_blocks: residual blocks before each of them.
        activation: as in `MLP`.
        causal: features see nothing of the latents that follow.
        condition: number of condition features, which join as constant channels.
        length: L / stride, where in_shape is D.

    Raises:
        UserError: a shape that is not of frames, or an unknown activation.

    Example:
        >>> FrameDecoder((8, 1, 32), 32, (2, 2)).out_shape
        (32, 1, 128)
    """

    def __init__(
        self,
        in_shape: int | Sequence[int],
        width: int = 128,
        strides: Sequence[int] = (2, 2),
        *,
        num_blocks: int = 2,
        activation: str = "silu",
        causal: bool = False,
        condition: int = 0,
        length: int = 0,
    ) -> None:
        super().__init__()
        self.in_shape, self.condition = as_shape(in_shape), condition
        act = activation_of(activation)
        stem: list[nn.Module] = []
        if len(self.in_shape) == 1:  # a dense layer makes the coarsest frames of a vector
            (frames,), channels = as_shape(length), width
            stem = [nn.Linear(self.in_shape[0], width * frames), nn.Unflatten(1, (width, 1, frames)), act()]
        else:
            channels, frames = as_frames(self.in_shape, 1, "FrameDecoder")
        self.stem = nn.Sequential(*stem)
        layers: list[nn.Module] = [TimeConv(channels + condition, width, causal=causal)]
        for stride in strides:
            layers += blocks(width, num_blocks, activation, causal)
            layers += [nn.Conv2d(width, width * stride, 1), Interleave(stride)]
            frames *= stride
        layers += blocks(width, 1, activation, causal)
        self.layers = nn.Sequential(*layers, act())
        self.out_shape = (width, 1, frames)

    def transform(self, x: Tensor, condition: Tensor | None) -> Tensor:
        return self.layers(with_condition_maps(self.stem(x), condition))


class Interleave(nn.Module):
    """Channels to frames: (N, C r, 1, L) to (N, C, 1, L r); Shi et al., 2016, along time."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(1, (-1, self.factor)).movedim(2, -1).flatten(-2)
