"""Finite scalar quantization: Mentzer et al., "Finite Scalar Quantization: VQ-VAE Made Simple", 2024."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import quantized_vae
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def fsq(schema: Schema, *, width: int = 16, levels: tuple[int, ...] = (8, 6, 5)) -> Recipe:
    """The convolutional VQ-VAE with its codebook replaced by rounding: no commitment, no unused codes.

    Args:
        schema: what the data is; images.
        width: channels of the first convolution, doubled once.
        levels: values of each dimension of a code; (8, 6, 5) gives 240 codes, (8, 5, 5, 5) gives 1000.
    """
    return Recipe(
        model=quantized_vae(schema, width, lambda: vk.ScalarCodebook(levels)),
        objective=vk.ELBO(),
        settings=Settings(epochs=20, batch_size=128, learning_rate=1e-3),
        min_steps=2000,
    )
