"""The vector-quantized VAE: van den Oord, Vinyals and Kavukcuoglu, "Neural Discrete Representation Learning", 2017."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import quantized_vae
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def vqvae(schema: Schema, *, width: int = 16, num_codes: int = 128, code_dim: int = 16) -> Recipe:
    """A convolutional VQ-VAE: an image becomes a grid of codes, a quarter of its height and width.

    The prior is uniform in training; afterwards an autoregressive one is fitted to the codes, and sampled from.

    Args:
        schema: what the data is; images.
        width: channels of the first convolution, doubled once.
        num_codes: size of the codebook.
        code_dim: length of a code's vector.
    """
    return Recipe(
        model=quantized_vae(schema, width, lambda: vk.Codebook(num_codes, code_dim)),
        objective=vk.ELBO(),
        settings=Settings(epochs=20, batch_size=128, learning_rate=1e-3),
        min_steps=2000,
        prior={"kind": "autoregressive"},
    )
