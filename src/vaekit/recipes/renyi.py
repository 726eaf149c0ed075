"""The Renyi bound: Li and Turner, "Renyi Divergence Variational Inference", 2016."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import usual_likelihood
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def renyi(schema: Schema, *, alpha: float = 0.5, num_samples: int = 5, latent: int = 50) -> Recipe:
    """The bound of order alpha, on the network of IWAE.

    Args:
        schema: what the data is.
        alpha: order of the divergence; 1 is the ELBO, 0 is IWAE.
        num_samples: K.
        latent: number of latent dimensions.
    """
    encoder = vk.MLP(schema.shape, (200, 200), activation="tanh")
    decoder = vk.MLP(latent, (200, 200), activation="tanh")
    return Recipe(
        model=vk.VAE(
            vk.DiagonalGaussian(encoder, latent), vk.StandardNormal(latent), usual_likelihood(decoder, schema)
        ),
        objective=vk.Renyi(alpha, num_samples=num_samples),
        # As in the recipe iwae, so that the bounds compare.
        settings=Settings(epochs=50, batch_size=20, learning_rate=1e-3, schedule="cosine"),
        min_steps=4000,
    )
