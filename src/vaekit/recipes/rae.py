"""Regularized autoencoders: Ghosh et al., "From Variational to Deterministic Autoencoders", 2020."""

from __future__ import annotations

from typing import Literal

import vaekit as vk
from vaekit.recipes.networks import autoencoder
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def rae(
    schema: Schema,
    *,
    regularizer: Literal["l2", "gradient_penalty"] = "l2",
    weight: float = 1e-4,
    beta: float = 1e-2,
    latent: int = 16,
) -> Recipe:
    """One code for each x, its length, and a decoder that is kept smooth; samples come from a prior fitted afterwards.

    Args:
        schema: what the data is.
        regularizer: "l2" for the decoder's weights, "gradient_penalty" for its Jacobian.
        weight: of the regularizer.
        beta: weight of the code's squared length.
        latent: number of latent dimensions.
    """
    return Recipe(
        model=autoencoder(schema, latent),
        objective=vk.RAE(kind=regularizer, beta=beta, weight=weight),
        settings=Settings(epochs=20, batch_size=100, learning_rate=1e-3),
        min_steps=2000,
    )
