"""Adversarial: a discriminator that tells codes from draws of the prior."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from vaekit.nets.net import Net
from vaekit.objectives.discriminator import Discriminator, fooling
from vaekit.objectives.divergence import Divergence

if TYPE_CHECKING:
    from vaekit.model import Model


class Adversarial(Divergence):
    """-log D(z), D the probability that z is a draw of the prior; D learns in the same pass.

    Makhzani et al., "Adversarial Autoencoders", 2016; WAE-GAN of Tolstikhin et al., "Wasserstein Auto-Encoders", 2018.

    Args:
        discriminator: network that takes z.
    """

    def __init__(self, discriminator: Net) -> None:
        super().__init__()
        self.discriminator = Discriminator(discriminator)

    def check(self, model: Model) -> None:
        self.discriminator.require_input(model.latent_shape, "z")

    def forward(self, z: Tensor, prior: Tensor) -> Tensor:
        return fooling(self.discriminator.frozen(z)[0])

    def own_loss(self, z: Tensor, prior: Tensor) -> Tensor:
        return self.discriminator.loss(prior, z)
