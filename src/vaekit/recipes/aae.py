"""The adversarial autoencoder: Makhzani et al., "Adversarial Autoencoders", 2016."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import autoencoder
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def aae(schema: Schema, *, weight: float = 1.0, latent: int = 8, judge: int = 256) -> Recipe:
    """One code for each x, squared error, and a discriminator that tells the codes from the prior.

    Args:
        schema: what the data is.
        weight: of fooling the discriminator.
        latent: number of latent dimensions.
        judge: width of the discriminator's two layers; 1000 in the paper.
    """
    discriminator = vk.MLP(latent, (judge, judge))
    return Recipe(
        model=autoencoder(schema, latent),
        objective=vk.WAE(vk.Adversarial(discriminator), weight=weight),
        settings=Settings(epochs=20, batch_size=100, learning_rate=1e-3),
        min_steps=2000,
    )
