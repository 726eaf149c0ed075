"""MSSSIM: structural similarity of images at several scales."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Tensor

from vaekit.errors import UserError
from vaekit.objectives.with_reconstruction import Unlikeness

if TYPE_CHECKING:
    from vaekit.model import Model

# Exponents of the scales from the finest on, found in the paper's experiment with human observers.
EXPONENTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
SIGMA = 1.5
K1, K2 = 0.01, 0.03


class MSSSIM(Unlikeness):
    """1 - MS-SSIM. Wang, Simoncelli and Bovik, "Multi-Scale Structural Similarity for Image Quality Assessment", 2003.

    As a reconstruction term: Snell et al., "Learning to Generate Images with Perceptual Similarity Metrics", 2017.

    Args:
        num_scales: 1 to 5, each half the size of the one before; with fewer than 5 the exponents are scaled to sum 1.
        window: side of the Gaussian window in pixels; the paper's has 11.
        data_range: largest minus smallest value of x.

    Raises:
        UserError: num_scales outside 1 to 5, or a window that is not odd and above 1.
    """

    name = "ms_ssim_loss"

    def __init__(self, *, num_scales: int = 5, window: int = 11, data_range: float = 1.0) -> None:
        super().__init__()
        if not 1 <= num_scales <= len(EXPONENTS) or window < 3 or window % 2 == 0 or data_range <= 0:
            raise UserError(
                "MSSSIM takes 1 to 5 scales, an odd window of at least 3 and a data_range above 0; "
                f"num_scales={num_scales}, window={window}, data_range={data_range} came."
            )
        self.num_scales, self.window, self.data_range = num_scales, window, data_range
        self.exponents = [e / sum(EXPONENTS[:num_scales]) for e in EXPONENTS[:num_scales]]

    def check(self, model: Model) -> None:
        shape, smallest = model.likelihood.event_shape, self.window * 2 ** (self.num_scales - 1)
        if len(shape) != 3 or min(shape[1:]) < smallest:
            raise UserError(
                f"MSSSIM with {self.num_scales} scales and a window of {self.window} needs images of at least "
                f"{smallest} x {smallest} pixels; x has shape {shape}. Use fewer scales or a smaller window."
            )

    def forward(self, x: Tensor, mean: Tensor) -> Tensor:
        a, b = x.expand_as(mean).flatten(0, 1), mean.flatten(0, 1)
        product = torch.ones(len(a)).to(b)
        for i, exponent in enumerate(self.exponents):
            luminance, contrast = self.ssim(a, b)
            # Negative correlations have no fractional power; the floor keeps the gradient finite.
            factor = contrast if i < self.num_scales - 1 else (luminance * contrast)
            product = product * factor.flatten(1).mean(-1).clamp(min=1e-6) ** exponent
            a, b = F.avg_pool2d(a, 2), F.avg_pool2d(b, 2)
        return (1 - product).unflatten(0, mean.shape[:2])

    def ssim(self, a: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
        """Luminance and contrast-structure at every window position and channel, of images (N, C, H, W)."""
        c1, c2 = (K1 * self.data_range) ** 2, (K2 * self.data_range) ** 2
        mu_a, mu_b = self.blur(a), self.blur(b)
        var_a, var_b = self.blur(a * a) - mu_a**2, self.blur(b * b) - mu_b**2
        cov = self.blur(a * b) - mu_a * mu_b
        luminance = (2 * mu_a * mu_b + c1) / (mu_a**2 + mu_b**2 + c1)
        return luminance, (2 * cov + c2) / (var_a + var_b + c2)

    def blur(self, images: Tensor) -> Tensor:
        """Gaussian means over windows that lie within the image."""
        offsets = torch.arange(self.window).to(images) - self.window // 2
        weights = torch.softmax(-(offsets**2) / (2 * SIGMA**2), 0)
        flat = images.flatten(0, 1).unsqueeze(1)
        flat = F.conv2d(F.conv2d(flat, weights.view(1, 1, -1, 1)), weights.view(1, 1, 1, -1))
        return flat.squeeze(1).unflatten(0, images.shape[:2])
