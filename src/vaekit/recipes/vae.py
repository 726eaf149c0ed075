"""The classic VAE: Kingma and Welling, "Auto-Encoding Variational Bayes", 2014."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def vae(schema: Schema, *, hidden: int = 400, latent: int = 20, conditional: bool = False) -> Recipe:
    """The classic VAE: one hidden layer each way, 784-400-20 on MNIST, cross-entropy plus KL, Adam.

    Trained in large batches at a high rate that falls, which takes a fraction of the usual time (batches of 128, a rate
    of 1e-3) and ends lower.

    Args:
        schema: what the data is.
        hidden: width of the hidden layers.
        latent: number of latent dimensions.
        conditional: condition encoder and decoder on the label.
    """
    condition = schema.condition_width(conditional)
    encoder = vk.MLP(schema.shape, hidden, condition=condition)
    decoder = vk.MLP(latent, hidden, condition=condition)
    likelihood = (
        vk.Bernoulli(decoder, schema.shape)
        if schema.is_unit
        else vk.Gaussian(decoder, schema.shape, scale="learned")
    )
    return Recipe(
        model=vk.VAE(vk.DiagonalGaussian(encoder, latent), vk.StandardNormal(latent), likelihood),
        objective=vk.ELBO(),
        settings=Settings(epochs=20, batch_size=512, learning_rate=6e-3, schedule="cosine", warmup_steps=100),
        min_steps=2000,
    )
