"""SlicedWasserstein: the distance of sorted projections."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from vaekit.errors import UserError
from vaekit.objectives.divergence import Divergence


class SlicedWasserstein(Divergence):
    """Mean squared 2-Wasserstein distance of projections on random directions.

    Kolouri et al., "Sliced-Wasserstein Auto-Encoder", 2019. In one dimension the best transport pairs sorted values.

    Args:
        num_projections: directions drawn at each step.

    Raises:
        UserError: num_projections below 1.
    """

    def __init__(self, *, num_projections: int = 50) -> None:
        super().__init__()
        if num_projections < 1:
            raise UserError(f"SlicedWasserstein takes num_projections of at least 1; {num_projections} came.")
        self.num_projections = num_projections

    def forward(self, z: Tensor, prior: Tensor) -> Tensor:
        directions = F.normalize(torch.randn(z.shape[-1], self.num_projections).to(z), dim=0)
        ours, theirs = (z @ directions).sort(0).values, (prior @ directions).sort(0).values
        return (ours - theirs).square().mean()
