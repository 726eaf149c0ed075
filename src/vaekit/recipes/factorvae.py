"""FactorVAE: Kim and Mnih, "Disentangling by Factorising", 2018."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import gaussian_vae
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def factorvae(schema: Schema, *, gamma: float = 10.0, latent: int = 10, judge: int = 256) -> Recipe:
    """The ELBO and a total correlation that a discriminator of six layers estimates.

    Args:
        schema: what the data is.
        gamma: weight of the total correlation.
        latent: number of latent dimensions.
        judge: width of the discriminator's layers; 1000 in the paper.
    """
    discriminator = vk.MLP(latent, (judge,) * 6, activation="leaky_relu")
    return Recipe(
        model=gaussian_vae(schema, latent),
        objective=vk.FactorVAE(discriminator, gamma=gamma),
        settings=Settings(epochs=30, batch_size=64, learning_rate=2e-4),
        min_steps=4000,
    )
