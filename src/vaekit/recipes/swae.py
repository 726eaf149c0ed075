"""The sliced-Wasserstein autoencoder: Kolouri et al., 2019."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import autoencoder
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def swae(schema: Schema, *, weight: float = 10.0, latent: int = 8) -> Recipe:
    """One code for each x, squared error, and the codes drawn to the prior by sorted projections.

    Args:
        schema: what the data is.
        weight: of the distance to the prior.
        latent: number of latent dimensions.
    """
    return Recipe(
        model=autoencoder(schema, latent),
        objective=vk.WAE(vk.SlicedWasserstein(), weight=weight),
        settings=Settings(epochs=20, batch_size=100, learning_rate=1e-3),
        min_steps=2000,
    )
