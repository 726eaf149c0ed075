"""The plain autoencoder: Hinton and Salakhutdinov, "Reducing the Dimensionality of Data with Neural Networks", 2006."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def ae(schema: Schema, *, hidden: int = 400, latent: int = 20) -> Recipe:
    """The plain autoencoder: the classic VAE's networks with one code for each x and no KL.

    Args:
        schema: what the data is.
        hidden: width of the hidden layers.
        latent: number of latent dimensions.
    """
    encoder, decoder = vk.MLP(schema.shape, hidden), vk.MLP(latent, hidden)
    likelihood = (
        vk.Bernoulli(decoder, schema.shape)
        if schema.is_unit
        else vk.Gaussian(decoder, schema.shape, scale=1.0)
    )
    return Recipe(
        model=vk.VAE(vk.Deterministic(encoder, latent), vk.StandardNormal(latent), likelihood),
        objective=vk.Reconstruction(),
        settings=Settings(epochs=20, batch_size=128, learning_rate=1e-3),
        min_steps=2000,
    )
