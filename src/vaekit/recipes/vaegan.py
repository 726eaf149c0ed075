"""VAE-GAN: Larsen et al., "Autoencoding beyond Pixels Using a Learned Similarity Metric", 2016."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import gaussian_vae
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def vaegan(schema: Schema, *, gamma: float = 0.01, latent: int = 20) -> Recipe:
    """Images compared by the features of a discriminator that learns beside the model.

    Args:
        schema: what the data is.
        gamma: weight of the feature error for the decoder, against fooling the discriminator.
        latent: number of latent dimensions.
    """
    discriminator = vk.ConvEncoder(schema.shape, (32, 64), activation="leaky_relu")
    return Recipe(
        model=gaussian_vae(schema, latent),
        objective=vk.VAEGAN(discriminator, gamma=gamma),
        settings=Settings(epochs=20, batch_size=64, learning_rate=3e-4),
        min_steps=4000,
    )
