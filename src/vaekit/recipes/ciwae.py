"""CIWAE: Rainforth et al., "Tighter Variational Bounds are Not Necessarily Better", 2018."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import usual_likelihood
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def ciwae(schema: Schema, *, num_samples: int = 64, beta: float = 0.5, latent: int = 50) -> Recipe:
    """beta ELBO + (1 - beta) IWAE, on the network of IWAE.

    Args:
        schema: what the data is.
        num_samples: K.
        beta: share of the ELBO.
        latent: number of latent dimensions.
    """
    encoder = vk.MLP(schema.shape, (200, 200), activation="tanh")
    decoder = vk.MLP(latent, (200, 200), activation="tanh")
    return Recipe(
        model=vk.VAE(
            vk.DiagonalGaussian(encoder, latent), vk.StandardNormal(latent), usual_likelihood(decoder, schema)
        ),
        objective=vk.CIWAE(num_samples, beta=beta),
        # As in the recipe iwae, so that the bounds compare.
        settings=Settings(epochs=50, batch_size=20, learning_rate=1e-3, schedule="cosine"),
        min_steps=4000,
    )
