"""The disentangled beta-VAE: Burgess et al., "Understanding Disentangling in beta-VAE", 2018."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import gaussian_vae
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def capacityvae(schema: Schema, *, capacity: float = 25.0, gamma: float = 1000.0, latent: int = 10) -> Recipe:
    """The rate follows a capacity that rises from 0, so that factors enter one after the other.

    Args:
        schema: what the data is.
        capacity: nats at the end of the rise, which takes 20 of 30 epochs.
        gamma: weight of the distance from the capacity.
        latent: number of latent dimensions.
    """
    return Recipe(
        model=gaussian_vae(schema, latent),
        objective=vk.Capacity(vk.Linear(epochs=20, end=capacity), gamma=gamma),
        settings=Settings(epochs=30, batch_size=64, learning_rate=5e-4),
        min_steps=4000,
    )
