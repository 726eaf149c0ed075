"""MMD: maximum mean discrepancy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from vaekit.errors import UserError, did_you_mean
from vaekit.objectives.divergence import Divergence

KERNELS = ("imq", "rbf")


class MMD(Divergence):
    """Squared maximum mean discrepancy, the unbiased estimate. Gretton et al., "A Kernel Two-Sample Test", 2012.

    Its mean is zero where the two distributions are equal, so single values fall below zero; it is positive elsewhere.
    The kernel is a sum over scales s of C / (C + r^2) ("imq", Tolstikhin et al., 2018) or exp(-r^2 / C) ("rbf", Zhao
    et al., 2019), r the distance and C = 2 D s, which for s = 1 is the mean of r^2 between draws of N(0, I).

    Args:
        kernel: "imq" or "rbf".
        scales: s; those of Tolstikhin et al. by default.

    Raises:
        UserError: an unknown kernel, or a scale that is not above 0.

    Example:
        >>> z = torch.zeros(2, 3)
        >>> float(MMD()(z, z))
        0.0
    """

    def __init__(
        self,
        *,
        kernel: Literal["imq", "rbf"] = "imq",
        scales: Sequence[float] = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0),
    ) -> None:
        super().__init__()
        if kernel not in KERNELS:
            raise UserError(f'MMD has no kernel "{kernel}". {did_you_mean(str(kernel), list(KERNELS))}')
        if not scales or min(scales) <= 0:
            raise UserError(f"MMD takes scales above 0; {tuple(scales)} came.")
        self.kernel, self.scales = kernel, tuple(scales)

    def forward(self, z: Tensor, prior: Tensor) -> Tensor:
        num = len(z)
        if num < 2:  # the unbiased estimate needs pairs; a last batch of one example adds nothing
            return z.sum() * 0
        within = (self.k(z, z) + self.k(prior, prior)) * (1 - torch.eye(num).to(z))
        return within.sum() / (num * (num - 1)) - 2 * self.k(z, prior).mean()

    def k(self, a: Tensor, b: Tensor) -> Tensor:
        """Kernel values of all pairs, (A, D) and (B, D) to (A, B)."""
        squared = (a.square().sum(-1)[:, None] + b.square().sum(-1) - 2 * a @ b.T).clamp(min=0)
        cs = [2 * a.shape[-1] * scale for scale in self.scales]
        if self.kernel == "imq":
            return torch.stack([c / (c + squared) for c in cs]).sum(0)
        return torch.stack([(-squared / c).exp() for c in cs]).sum(0)
