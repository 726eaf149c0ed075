"""PerceptualFeatures: the distance of images as a network sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaekit.errors import UserError
from vaekit.nets.net import Net
from vaekit.objectives.with_reconstruction import Unlikeness

if TYPE_CHECKING:
    from vaekit.model import Model


class PerceptualFeatures(Unlikeness):
    """|f(x) - f(x~)|^2 summed over the features of a network that stays as it is.

    Hou et al., "Deep Feature Consistent Variational Autoencoder", 2017. The network may be the encoder of a trained
    model: `PerceptualFeatures(load("runs/digits-1").posterior.net)`.

    Args:
        net: takes x; its weights are not trained.

    Raises:
        UserError: a network with a condition.
    """

    name = "feature_error"

    def __init__(self, net: Net) -> None:
        super().__init__()
        if net.condition:
            raise UserError("PerceptualFeatures takes a network without a condition; leave condition out.")
        self.net = net.requires_grad_(False).eval()

    def check(self, model: Model) -> None:
        if self.net.in_shape != model.likelihood.event_shape:
            raise UserError(
                f"The feature network takes inputs of shape {self.net.in_shape}; x has shape "
                f"{model.likelihood.event_shape}. Give a network for that shape."
            )

    def forward(self, x: Tensor, mean: Tensor) -> Tensor:
        with torch.no_grad():
            target = self.net(x)
        return (self.net(mean) - target).square().flatten(2).sum(-1)
