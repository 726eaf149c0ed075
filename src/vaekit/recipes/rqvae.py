"""The residual-quantized VAE: Lee et al., "Autoregressive Image Generation using Residual Quantization", 2022."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import quantized_vae
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def rqvae(
    schema: Schema, *, width: int = 16, num_codes: int = 64, code_dim: int = 16, num_quantizers: int = 4
) -> Recipe:
    """A convolutional VQ-VAE whose positions hold several codes, each refining the sum of those before it.

    Args:
        schema: what the data is; images.
        width: channels of the first convolution, doubled once.
        num_codes: size of each codebook.
        code_dim: length of a code's vector.
        num_quantizers: codes a position.
    """
    return Recipe(
        model=quantized_vae(schema, width, lambda: vk.ResidualCodebook(num_codes, code_dim, num_quantizers)),
        objective=vk.ELBO(),
        settings=Settings(epochs=20, batch_size=128, learning_rate=1e-3),
        min_steps=2000,
    )
