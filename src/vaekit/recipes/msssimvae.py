"""The VAE with MS-SSIM: Snell et al., "Learning to Generate Images with Perceptual Similarity Metrics", 2017."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import gaussian_vae
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def msssimvae(schema: Schema, *, weight: float = 500.0, latent: int = 20) -> Recipe:
    """Structural similarity at several scales in the likelihood's place.

    Args:
        schema: what the data is.
        weight: of the unlikeness, 0 to 1, against the KL in nats.
        latent: number of latent dimensions.
    """
    side = min(schema.shape[1:])
    window = 11 if side >= 176 else 7 if side >= 14 else 3
    scales = min(5, (side // window).bit_length())  # each is half the size of the one before
    return Recipe(
        model=gaussian_vae(schema, latent),
        objective=vk.WithReconstruction(
            vk.ELBO(), vk.MSSSIM(num_scales=scales, window=window), weight=weight
        ),
        settings=Settings(epochs=20, batch_size=128, learning_rate=1e-3),
        min_steps=2000,
    )
