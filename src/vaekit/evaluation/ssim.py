"""Structural similarity: whether two images have the same local brightness, contrast and structure."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vaekit.errors import UserError

WINDOW, SIGMA = 11, 1.5
K1, K2 = 0.01, 0.03


def ssim(a: Tensor, b: Tensor, *, data_range: float = 1.0) -> Tensor:
    """SSIM of each pair of images, (N,), in [-1, 1]. Wang et al., "Image Quality Assessment", 2004.

    A Gaussian window of 11 pixels with sigma 1.5, constants (0.01 L)^2 and (0.03 L)^2, population moments, windows that
    lie wholly inside the image, the mean over windows and channels. Images below 11 pixels take the largest odd window
    that fits.

    Args:
        a, b: (N, C, H, W).
        data_range: L, the difference of the largest and the smallest possible value.

    Raises:
        UserError: not images of one shape.

    Example:
        >>> x = torch.rand(2, 3, 16, 16)
        >>> ssim(x, x)
        tensor([1., 1.], dtype=torch.float64)
    """
    if a.shape != b.shape or a.ndim != 4:
        raise UserError(
            f"SSIM compares images (N, C, H, W) of one shape; {tuple(a.shape)}, {tuple(b.shape)} came."
        )
    a, b = a.cpu().double(), b.cpu().double()
    size = min(WINDOW, *a.shape[2:])
    size -= 1 - size % 2
    line = torch.arange(size, dtype=torch.float64) - size // 2
    line = (-0.5 * (line / SIGMA).square()).exp()
    line = line / line.sum()

    def blur(x: Tensor) -> Tensor:
        x = x.flatten(0, 1).unsqueeze(1)
        return F.conv2d(F.conv2d(x, line.view(1, 1, -1, 1)), line.view(1, 1, 1, -1))

    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b = blur(a * a) - mean_a.square(), blur(b * b) - mean_b.square()
    covariance = blur(a * b) - mean_a * mean_b
    c1, c2 = (K1 * data_range) ** 2, (K2 * data_range) ** 2
    brightness = (2 * mean_a * mean_b + c1) / (mean_a.square() + mean_b.square() + c1)
    structure = (2 * covariance + c2) / (var_a + var_b + c2)
    return (brightness * structure).unflatten(0, a.shape[:2]).flatten(1).mean(-1)
