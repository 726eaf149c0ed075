"""beta-TCVAE: Chen et al., "Isolating Sources of Disentanglement in Variational Autoencoders", 2018."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import gaussian_vae
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def tcvae(
    schema: Schema, *, alpha: float = 1.0, beta: float = 6.0, gamma: float = 1.0, latent: int = 10
) -> Recipe:
    """The ELBO with a total correlation that weighs more, and nothing else.

    Args:
        schema: what the data is.
        alpha: weight of the mutual information of x and z.
        beta: weight of the total correlation.
        gamma: weight of the dimensions' KL.
        latent: number of latent dimensions.
    """
    return Recipe(
        model=gaussian_vae(schema, latent),
        objective=vk.BetaTCVAE(alpha=alpha, beta=beta, gamma=gamma),
        settings=Settings(epochs=30, batch_size=128, learning_rate=1e-3),
        min_steps=4000,
    )
