"""The importance-weighted autoencoder: Burda, Grosse and Salakhutdinov, 2016."""

from __future__ import annotations

from typing import Literal

import vaekit as vk
from vaekit.recipes.networks import usual_likelihood
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def iwae(
    schema: Schema,
    *,
    num_samples: int = 5,
    latent: int = 50,
    estimator: Literal["standard", "dreg"] = "standard",
) -> Recipe:
    """The network of the paper with one latent layer, 784-200-200-50 on MNIST, batches of 20.

    Args:
        schema: what the data is.
        num_samples: K; 1 is the VAE of the paper's tables.
        latent: number of latent dimensions.
        estimator: "dreg" for the doubly reparameterized gradient of Tucker et al., 2019.
    """
    encoder = vk.MLP(schema.shape, (200, 200), activation="tanh")
    decoder = vk.MLP(latent, (200, 200), activation="tanh")
    return Recipe(
        model=vk.VAE(
            vk.DiagonalGaussian(encoder, latent), vk.StandardNormal(latent), usual_likelihood(decoder, schema)
        ),
        objective=vk.IWAE(num_samples, estimator=estimator),
        # The paper's rate falls in eight stages over 3280 epochs; the cosine makes the same descent in few.
        settings=Settings(epochs=50, batch_size=20, learning_rate=1e-3, schedule="cosine"),
        min_steps=4000,
    )
