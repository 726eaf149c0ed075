"""DIP-VAE: Kumar, Sattigeri and Balakrishnan, "Variational Inference of Disentangled Latent Concepts", 2018."""

from __future__ import annotations

from typing import Literal

import vaekit as vk
from vaekit.recipes.networks import gaussian_vae
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def dipvae(
    schema: Schema, *, kind: Literal["i", "ii"] = "ii", lambda_od: float = 10.0, latent: int = 10
) -> Recipe:
    """The ELBO and a covariance of the codes that is drawn to the identity.

    Args:
        schema: what the data is.
        kind: "i" for the covariance of the means, "ii" for that of z.
        lambda_od: weight of the covariances; that of the variances follows as in the paper.
        latent: number of latent dimensions.
    """
    return Recipe(
        model=gaussian_vae(schema, latent),
        objective=vk.DIPVAE(kind=kind, lambda_od=lambda_od),
        settings=Settings(epochs=30, batch_size=64, learning_rate=5e-4),
        min_steps=4000,
    )
