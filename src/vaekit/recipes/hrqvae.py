"""The HR-VQVAE: Adiban et al., "Hierarchical Residual Learning Based Vector Quantized VAE", 2022."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.networks import quantized_vae
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def hrqvae(
    schema: Schema, *, width: int = 16, num_codes: int = 8, code_dim: int = 16, num_layers: int = 3
) -> Recipe:
    """A convolutional VQ-VAE whose positions hold a path down a tree of codebooks, each refining the sum so far.

    Args:
        schema: what the data is; images.
        width: channels of the first convolution, doubled once.
        num_codes: size of each codebook.
        code_dim: length of a code's vector.
        num_layers: depth of the tree, codes a position.
    """
    return Recipe(
        model=quantized_vae(schema, width, lambda: vk.HierarchicalCodebook(num_codes, code_dim, num_layers)),
        objective=vk.ELBO(),
        settings=Settings(epochs=20, batch_size=128, learning_rate=1e-3),
        min_steps=2000,
    )
