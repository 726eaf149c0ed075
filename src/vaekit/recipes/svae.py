"""The hyperspherical VAE: Davidson et al., "Hyperspherical Variational Auto-Encoders", 2018."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import bernoulli_or_natural
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def svae(schema: Schema, *, hidden: tuple[int, ...] = (256, 128), latent: int = 10) -> Recipe:
    """The S-VAE: codes are directions, von Mises-Fisher against the uniform sphere.

    Args:
        schema: what the data is.
        hidden: widths of the encoder's hidden layers, mirrored in the decoder.
        latent: number of coordinates; the sphere has one dimension less.
    """
    decoder = vk.MLP(latent, hidden[::-1])
    likelihood = bernoulli_or_natural(decoder, schema)
    return Recipe(
        model=vk.VAE(
            vk.VonMisesFisher(vk.MLP(schema.shape, hidden), latent), vk.SphereUniform(latent), likelihood
        ),
        objective=vk.ELBO(),
        settings=Settings(epochs=50, batch_size=64, learning_rate=1e-3),
        min_steps=2000,
    )
