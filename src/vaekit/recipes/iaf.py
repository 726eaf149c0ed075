"""The IAF-VAE: Kingma et al., "Improved Variational Inference with Inverse Autoregressive Flow", 2016."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import bernoulli_or_natural
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def iaf(
    schema: Schema, *, hidden: int = 300, latent: int = 40, num_transforms: int = 4, flow_hidden: int = 320
) -> Recipe:
    """The classic VAE whose posterior an inverse autoregressive flow bends; KL warm-up.

    Args:
        schema: what the data is.
        hidden: width of the hidden layers, two each way.
        latent: number of latent dimensions.
        num_transforms: steps of the flow.
        flow_hidden: width of the flow's hidden layer.
    """
    wide = (hidden, hidden)
    posterior = vk.FlowPosterior(
        vk.MLP(schema.shape, wide), latent, "iaf", num_transforms=num_transforms, hidden=flow_hidden
    )
    decoder = vk.MLP(latent, wide)
    likelihood = bernoulli_or_natural(decoder, schema)
    return Recipe(
        model=vk.VAE(posterior, vk.StandardNormal(latent), likelihood),
        objective=vk.ELBO(beta=vk.Linear(epochs=10)),
        settings=Settings(epochs=50, batch_size=100, learning_rate=1e-3),
        min_steps=3000,
    )
