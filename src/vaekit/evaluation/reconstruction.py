"""Reconstruction error: how far p(x|z)'s mean at the code of x lies from x."""

from __future__ import annotations

import math

from torch import Tensor

from vaekit.schema import Schema


def squared_error(x: Tensor, x_hat: Tensor) -> Tensor:
    """Sum of squared differences of each example, (B,), in the units in which the model sees x, squared."""
    return (x.cpu().double() - x_hat.cpu().double()).square().flatten(1).sum(-1)


def mse(x: Tensor, x_hat: Tensor) -> Tensor:
    """Mean squared difference per value of each example, (B,).

    Example:
        >>> import torch
        >>> mse(torch.zeros(1, 4), torch.full((1, 4), 0.5))
        tensor([0.2500], dtype=torch.float64)
    """
    return squared_error(x, x_hat) / x[0].numel()


def psnr(mean_squared_error: float, schema: Schema) -> float | None:
    """Peak signal-to-noise ratio in decibels, 10 log10(range^2 / mse); None for unbounded data or no error.

    Example:
        >>> psnr(0.01, Schema("image", (1, 8, 8), low=0.0, high=1.0))
        20.0
    """
    peak = schema.high - schema.low
    if not math.isfinite(peak) or mean_squared_error <= 0:
        return None
    return 10 * math.log10(peak**2 / mean_squared_error)
