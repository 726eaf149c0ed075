"""The two-layer VAE with a VampPrior: Tomczak and Welling, "VAE with a VampPrior", 2018, their HVAE."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import bernoulli_or_natural
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def hvampprior(
    schema: Schema, *, hidden: int = 300, latent: int = 40, num_components: int = 500, warmup: float = 100.0
) -> Recipe:
    """Two latent layers, q(z2|x) q(z1|x, z2), the top prior a VampPrior of q(z2|x), and p(x|z1, z2).

    Args:
        schema: what the data is.
        hidden: width of the hidden layers.
        latent: number of dimensions of each latent layer.
        num_components: number of pseudo-inputs.
        warmup: epochs over which the weight of the KL rises.
    """
    wide = (hidden, hidden)
    top = vk.DiagonalGaussian(vk.GatedMLP(schema.shape, wide), latent)
    bottom = vk.DiagonalGaussian(vk.GatedMLP(schema.shape, wide, condition=latent), latent)
    low, high = (schema.low, schema.high) if schema.is_unit else (None, None)
    decoder = vk.GatedMLP(2 * latent, wide)
    likelihood = bernoulli_or_natural(decoder, schema)
    return Recipe(
        model=vk.HierarchicalVAE(
            posteriors=[top, bottom],
            priors=[
                vk.VampPrior(top, num_components, in_shape=schema.shape, low=low, high=high),
                vk.GaussianPrior(vk.GatedMLP(latent, wide), latent),
            ],
            likelihood=likelihood,
        ),
        objective=vk.ELBO(beta=vk.Linear(epochs=warmup)),
        settings=Settings(epochs=2000, batch_size=100, learning_rate=5e-4, patience=50),
    )
