"""The two-stage VAE: Dai and Wipf, "Diagnosing and Enhancing VAE Models", 2019."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def twostage(schema: Schema, *, hidden: int = 400, latent: int = 32) -> Recipe:
    """A Gaussian VAE whose spread is the best one, and a second VAE of its codes, fitted afterwards and sampled from.

    Args:
        schema: what the data is.
        hidden: width of the hidden layers, two each way.
        latent: number of latent dimensions.
    """
    wide = (hidden, hidden)
    return Recipe(
        model=vk.VAE(
            vk.DiagonalGaussian(vk.MLP(schema.shape, wide), latent),
            vk.StandardNormal(latent),
            vk.Gaussian(vk.MLP(latent, wide), schema.shape, scale="optimal"),
        ),
        objective=vk.ELBO(beta=vk.Linear(epochs=10)),
        settings=Settings(epochs=50, batch_size=64, learning_rate=1e-3),
        min_steps=3000,
        prior={"kind": "vae"},
    )
