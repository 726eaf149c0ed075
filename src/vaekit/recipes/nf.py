"""The VAE with planar flows: Rezende and Mohamed, "Variational Inference with Normalizing Flows", 2015."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import bernoulli_or_natural
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def nf(schema: Schema, *, hidden: int = 300, latent: int = 40, num_transforms: int = 10) -> Recipe:
    """The VAE whose posterior is a Gaussian pushed through planar flows; KL warm-up.

    Args:
        schema: what the data is.
        hidden: width of the hidden layers, two each way.
        latent: number of latent dimensions.
        num_transforms: length of the flow; the paper has 2 to 80.
    """
    wide = (hidden, hidden)
    posterior = vk.FlowPosterior(vk.MLP(schema.shape, wide), latent, "planar", num_transforms=num_transforms)
    decoder = vk.MLP(latent, wide)
    likelihood = bernoulli_or_natural(decoder, schema)
    return Recipe(
        model=vk.VAE(posterior, vk.StandardNormal(latent), likelihood),
        objective=vk.ELBO(beta=vk.Linear(epochs=10)),
        settings=Settings(epochs=50, batch_size=100, learning_rate=1e-3),
        min_steps=3000,
    )
