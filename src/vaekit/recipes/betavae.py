"""Higgins et al., "beta-VAE: Learning Basic Visual Concepts with a Constrained Variational Framework", 2017."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import gaussian_vae
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def betavae(schema: Schema, *, beta: float = 4.0, latent: int = 10) -> Recipe:
    """The ELBO with a KL that weighs more: fewer, separate factors.

    Args:
        schema: what the data is.
        beta: weight of the KL.
        latent: number of latent dimensions.
    """
    return Recipe(
        model=gaussian_vae(schema, latent),
        objective=vk.ELBO(beta=beta),
        settings=Settings(epochs=30, batch_size=64, learning_rate=5e-4),
        min_steps=4000,
    )
