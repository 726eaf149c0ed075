"""M2: Kingma et al., "Semi-Supervised Learning with Deep Generative Models", 2014."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def m2(schema: Schema, *, hidden: int = 500, latent: int = 10, alpha: float = 5.0) -> Recipe:
    """A class beside z, known for some examples: train with --labelled 10 to keep ten labels of each class.

    Args:
        schema: what the data is; with labels.
        hidden: width of the hidden layer of each network.
        latent: number of latent dimensions.
        alpha: weight of the classification; 0.1 in the paper, over 3000 epochs. Too low, and z takes the class's part.
    """
    classes = schema.condition_width(conditional=True)
    decoder = vk.MLP(latent, hidden, condition=classes)
    return Recipe(
        model=vk.SemiSupervisedVAE(
            classifier=vk.MLP(schema.shape, hidden),
            posterior=vk.DiagonalGaussian(vk.MLP(schema.shape, hidden, condition=classes), latent),
            prior=vk.StandardNormal(latent),
            likelihood=vk.natural_likelihood(decoder, schema),
            alpha=alpha,
        ),
        objective=vk.ELBO(),
        settings=Settings(epochs=50, batch_size=100, learning_rate=3e-4),
        min_steps=4000,
    )
