"""The two-layer hierarchical VAE: Tomczak and Welling, "VAE with a VampPrior", 2018, with a Gaussian top prior."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import bernoulli_or_natural
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def hvae(schema: Schema, *, hidden: int = 300, latent: int = 40, conditional: bool = False) -> Recipe:
    """Two latent layers: q(z2|x) q(z1|x, z2) against p(z2) p(z1|z2), and p(x|z1, z2).

    Args:
        schema: what the data is.
        hidden: width of the hidden layers, two each way.
        latent: number of dimensions of each latent layer.
        conditional: condition every part on the label.
    """
    classes = schema.condition_width(conditional)
    wide = (hidden, hidden)
    top = vk.DiagonalGaussian(vk.MLP(schema.shape, wide, condition=classes), latent)
    bottom = vk.DiagonalGaussian(vk.MLP(schema.shape, wide, condition=latent + classes), latent)
    decoder = vk.MLP(2 * latent, wide, condition=classes)
    likelihood = bernoulli_or_natural(decoder, schema)
    return Recipe(
        model=vk.HierarchicalVAE(
            posteriors=[top, bottom],
            priors=[
                vk.StandardNormal(latent),
                vk.GaussianPrior(vk.MLP(latent, wide, condition=classes), latent),
            ],
            likelihood=likelihood,
        ),
        objective=vk.ELBO(beta=vk.Linear(epochs=5)),
        settings=Settings(epochs=20, batch_size=128, learning_rate=1e-3),
        min_steps=2000,
    )
