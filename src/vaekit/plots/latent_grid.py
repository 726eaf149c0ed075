"""The latent grid: a two-dimensional latent space decoded everywhere. Kingma and Welling, 2014, figure 4."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from torch import Tensor

from vaekit.plots.style import DPI, MUTED, SMALL_SIZE, TEXT_SIZE, Page, as_numpy, font_families
from vaekit.plots.tiles import Tiles
from vaekit.schema import Schema


def prior_quantiles(num: int) -> Tensor:
    """Points that cut a standard normal into slices of equal probability, (num,), rising.

    Example:
        >>> prior_quantiles(3)
        tensor([-0.9674,  0.0000,  0.9674])
    """
    return torch.special.ndtri((torch.arange(num) + 0.5) / num)


def latent_grid(images: Any, schema: Schema, *, values: Any = None, dark_ink: bool | None = None) -> Figure:
    """Decoded points at the prior's quantiles: every tile stands for the same probability.

    Args:
        images: (n, n, *event); the first index follows the second latent dimension, rising.
        schema: what one example is.
        values: (2, n), the coordinates in either latent dimension; the prior's quantiles when None.
        dark_ink: print one-channel images in dark ink on white; decided from the images when None.
    """
    images = as_numpy(images)[::-1]  # the second dimension rises upwards, as on the latent map
    num = len(images)
    z = np.stack([as_numpy(prior_quantiles(num))] * 2) if values is None else as_numpy(values)
    tiles = Tiles(images, schema, dark_ink=dark_ink, target=max(28, 1100 // num), gap=0)
    subtitle = "The mean of p(x|z) on a grid over both latent dimensions, spaced by the "
    subtitle += (
        "prior's quantiles: each tile is equally probable." if values is None else "quantiles of the codes."
    )
    page = Page(
        tiles.width,
        tiles.height,
        f"{schema.name}: a walk over the latent plane",
        subtitle,
        left=0.45,
        bottom=0.38,
    )
    ax = page.place(0, 0, tiles.width, tiles.height)
    tiles.draw(ax)
    shown = np.unique(np.linspace(0, num - 1, 7).round().astype(int))
    ax.set_xticks([tiles.centre(0, i)[0] for i in shown], [f"{z[0, i]:.1f}".replace("-", "−") for i in shown])
    ax.set_yticks(
        [tiles.height * DPI - tiles.centre(i, 0)[1] for i in shown],
        [f"{z[1, i]:.1f}".replace("-", "−") for i in shown],
    )
    ax.tick_params(colors=MUTED, labelsize=SMALL_SIZE, length=0, pad=4, labelfontfamily=font_families())
    ax.set_xlabel("latent dimension 1", size=TEXT_SIZE, color=MUTED, labelpad=4)
    ax.set_ylabel("latent dimension 2", size=TEXT_SIZE, color=MUTED, labelpad=4)
    return page.finish()
