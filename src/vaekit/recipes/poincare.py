"""The Poincaré VAE: Mathieu et al., "Continuous Hierarchical Representations with Poincaré VAEs", 2019."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import usual_likelihood
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def poincare(schema: Schema, *, hidden: int = 600, latent: int = 5, curvature: float = 1.0) -> Recipe:
    """Codes are points of the Poincaré ball, wrapped normals against one around the origin.

    Args:
        schema: what the data is.
        hidden: width of the hidden layer, one each way.
        latent: number of dimensions.
        curvature: of the ball, whose radius is 1 / sqrt(curvature).
    """
    decoder = vk.Chained(vk.LogMap(latent, curvature), vk.MLP(latent, hidden))
    return Recipe(
        model=vk.VAE(
            vk.WrappedNormal(vk.MLP(schema.shape, hidden), latent, curvature),
            vk.WrappedNormalPrior(latent, curvature),
            usual_likelihood(decoder, schema),
        ),
        objective=vk.ELBO(),
        settings=Settings(epochs=50, batch_size=128, learning_rate=1e-3),
        min_steps=2000,
    )
