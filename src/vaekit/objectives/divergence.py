"""Divergence: how far the codes of a batch are from the prior's draws."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaekit.component import Component

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.trace import Layer


class Divergence(Component):
    """Maps codes (B, D) and as many draws of the prior (B, D) to a scalar that falls as they become alike."""

    @abstractmethod
    def forward(self, z: Tensor, prior: Tensor) -> Tensor: ...

    def own_loss(self, z: Tensor, prior: Tensor) -> Tensor | None:
        """What the divergence's own weights lower, a scalar without a gradient to z; None where it has none."""
        return None

    def check(self, model: Model) -> None:
        """Refuse a model whose z this divergence cannot take.

        Raises:
            UserError: in one sentence.
        """


def prior_draws(layer: Layer) -> Tensor:
    """As many draws of the prior as the batch has examples, (B, D); no gradient."""
    with torch.no_grad():
        return layer.pz.sample(() if layer.pz.batch_shape else (layer.z.shape[1],))
