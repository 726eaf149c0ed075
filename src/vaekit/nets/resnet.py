"""ResNetEncoder and ResNetDecoder: residual convolutions for images of any size."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn

from vaekit.nets.conv import Halving, Stem, as_image_shape, halved_sizes, with_condition_maps
from vaekit.nets.net import Net, activation_of, as_shape


class ResidualBlock(nn.Module):
    """x + f(x), f of two 3x3 convolutions whose last starts at zero, so that a deep stack starts as the identity.

    He et al., "Identity Mappings in Deep Residual Networks", 2016; Zhang et al., "Fixup Initialization", 2019.
    """

    def __init__(self, width: int, activation: str) -> None:
        super().__init__()
        last = nn.Conv2d(width, width, 3, padding=1)
        nn.init.zeros_(last.weight)
        assert last.bias is not None
        nn.init.zeros_(last.bias)
        act = activation_of(activation)
        self.layers = nn.Sequential(act(), nn.Conv2d(width, width, 3, padding=1), act(), last)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.layers(x)


class ResNetEncoder(Net):
    """Residual blocks at every size, halved by convolutions of stride 2: (C, H, W) to (widths[-1], h, w).

    Args:
        in_shape: (C, H, W); any size.
        widths: channels after each halving of the size.
        num_blocks: residual blocks at each size.
        activation: as in `MLP`.
        condition: number of condition features, which join as constant channels.

    Raises:
        UserError: in_shape is no image's, or an unknown activation.

    Example:
        >>> ResNetEncoder((3, 33, 20), (16, 32)).out_shape
        (32, 9, 5)
    """

    def __init__(
        self,
        in_shape: Sequence[int],
        widths: Sequence[int] = (32, 64),
        *,
        num_blocks: int = 1,
        activation: str = "silu",
        condition: int = 0,
    ) -> None:
        super().__init__()
        self.in_shape, self.condition = as_image_shape(in_shape, "ResNetEncoder"), condition
        layers: list[nn.Module] = []
        last = self.in_shape[0] + condition
        for width in (widths := as_shape(widths)):
            layers.append(Halving(last, width))
            layers += [ResidualBlock(width, activation) for _ in range(num_blocks)]
            last = width
        self.layers = nn.Sequential(*layers, activation_of(activation)())
        self.out_shape = (last, *halved_sizes(self.in_shape[1], self.in_shape[2], len(widths))[-1])

    def transform(self, x: Tensor, condition: Tensor | None) -> Tensor:
        return self.layers(with_condition_maps(x, condition))


class ResNetDecoder(Net):
    """The mirror of `ResNetEncoder`: a latent vector or coarse map to feature maps of the image's own size.

    Args:
        in_shape: shape of z: D, or (D, h, w) of the coarsest size.
        size: (H, W) of the image.
        widths: channels at each size from the coarsest up; the image's own size keeps the last width.
        num_blocks: residual blocks at each size below the image's own.
        half: stop at half of the image's size; a `Head` takes the maps from there by a pixel shuffle.
        activation: as in `MLP`.
        condition: number of condition features, which join z.

    Raises:
        UserError: a coarse map of another size than the image's coarsest, or an unknown activation.

    Example:
        >>> ResNetDecoder(20, (33, 20), (32, 16)).out_shape
        (16, 33, 20)
    """

    def __init__(
        self,
        in_shape: int | Sequence[int],
        size: Sequence[int],
        widths: Sequence[int] = (64, 32),
        *,
        num_blocks: int = 1,
        half: bool = False,
        activation: str = "silu",
        condition: int = 0,
    ) -> None:
        super().__init__()
        self.in_shape, self.condition, widths = as_shape(in_shape), condition, as_shape(widths)
        self.sizes = halved_sizes(size[0], size[1], len(widths))[::-1]
        if half:
            self.sizes.pop()
        self.stem = Stem(self.in_shape, condition, widths[0], self.sizes[0])
        self.blocks = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(width, activation) for _ in range(num_blocks))) for width in widths
        )
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(width, width_out, 4, stride=2, padding=1)
            for width, width_out in zip(widths, [*widths[1:], widths[-1]], strict=True)
        )
        if half:
            del self.up[-1]
        self.activation = activation_of(activation)()
        self.out_shape = (widths[-1], *self.sizes[-1])

    def transform(self, x: Tensor, condition: Tensor | None) -> Tensor:
        x = self.stem(x, condition)
        for blocks, up, (height, width) in zip(self.blocks, self.up, self.sizes[1:]):
            x = up(self.activation(blocks(x)))[..., :height, :width]  # a doubled odd size is one too large
        if len(self.blocks) > len(self.up):
            x = self.blocks[-1](x)
        return self.activation(x)
