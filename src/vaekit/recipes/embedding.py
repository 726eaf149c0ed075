"""Embedding: few dimensions in which neighbours stay neighbours, to look at or to search in."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import usual_likelihood
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings

WIDTHS = (1024, 512, 256, 128)
"""Two dimensions hold more where deep networks fold the data than where one wide layer does."""


def embedding(schema: Schema, *, latent: int = 2, beta: float = 0.5) -> Recipe:
    """A deep VAE with few latent dimensions and half the weight on the KL, so that codes spread: dimension reduction.

    Args:
        schema: what the data is.
        latent: number of latent dimensions.
        beta: weight of the KL.
    """
    encoder, decoder = vk.MLP(schema.shape, WIDTHS), vk.MLP(latent, WIDTHS[::-1])
    return Recipe(
        model=vk.VAE(
            vk.DiagonalGaussian(encoder, latent), vk.StandardNormal(latent), usual_likelihood(decoder, schema)
        ),
        objective=vk.ELBO(beta=beta),
        settings=Settings(epochs=50, batch_size=256, learning_rate=2e-3, schedule="cosine", warmup_steps=200),
        min_steps=4000,
    )
