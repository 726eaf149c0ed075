"""VAE with a VampPrior: Tomczak and Welling, "VAE with a VampPrior", 2018."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import bernoulli_or_natural
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def vampprior(
    schema: Schema, *, hidden: int = 300, latent: int = 40, num_components: int = 500, warmup: float = 100.0
) -> Recipe:
    """The VampPrior VAE: 300-300-40 gated layers, 500 pseudo-inputs, KL warm-up, early stopping.

    Args:
        schema: what the data is.
        hidden: width of the hidden layers, two each way.
        latent: number of latent dimensions.
        num_components: number of pseudo-inputs.
        warmup: epochs over which the weight of the KL rises.
    """
    posterior = vk.DiagonalGaussian(vk.GatedMLP(schema.shape, (hidden, hidden)), latent)
    low, high = (schema.low, schema.high) if schema.is_unit else (None, None)
    prior = vk.VampPrior(posterior, num_components, in_shape=schema.shape, low=low, high=high)
    decoder = vk.GatedMLP(latent, (hidden, hidden))
    likelihood = bernoulli_or_natural(decoder, schema)
    return Recipe(
        model=vk.VAE(posterior, prior, likelihood),
        objective=vk.ELBO(beta=vk.Linear(epochs=warmup)),
        settings=Settings(epochs=2000, batch_size=100, learning_rate=5e-4, patience=50),
    )
