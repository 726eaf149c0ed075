"""Zhao, Song and Ermon, "InfoVAE: Balancing Learning and Inference in Variational Autoencoders", 2019."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import gaussian_vae
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def infovae(schema: Schema, *, alpha: float = 0.0, lambda_: float = 1000.0, latent: int = 10) -> Recipe:
    """The ELBO, and the codes of the data drawn to the prior as a whole.

    Args:
        schema: what the data is.
        alpha: information of x and z that is not paid for; 1 leaves the KL out.
        lambda_: weight of the distance to the prior.
        latent: number of latent dimensions.
    """
    return Recipe(
        model=gaussian_vae(schema, latent),
        objective=vk.InfoVAE(vk.MMD(kernel="rbf"), alpha=alpha, lambda_=lambda_),
        settings=Settings(epochs=20, batch_size=128, learning_rate=1e-3),
        min_steps=4000,
    )
