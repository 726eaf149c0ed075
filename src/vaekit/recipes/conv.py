"""Our best plain model for images: residual convolutions, KL warm-up, a cosine schedule, averaged weights."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def conv(
    schema: Schema,
    *,
    width: int = 16,
    num_blocks: int = 1,
    latent: int = 20,
    conditional: bool = False,
) -> Recipe:
    """A residual convolutional VAE, the default for images.

    Args:
        schema: what the data is; images.
        width: channels of the first convolution, doubled at each halving of the size.
        num_blocks: residual blocks at each size.
        latent: number of latent dimensions.
        conditional: condition encoder and decoder on the label.
    """
    classes = schema.condition_width(conditional)
    depth = min(3, max(1, (min(schema.shape[1:]) - 1).bit_length() - 2))  # down to about 4 pixels
    widths = tuple(width * 2**i for i in range(depth))
    encoder = vk.ResNetEncoder(schema.shape, widths, num_blocks=num_blocks, condition=classes)
    decoder = vk.ResNetDecoder(
        latent, schema.shape[1:], widths[::-1], num_blocks=num_blocks, half=True, condition=classes
    )
    likelihood = vk.natural_likelihood(decoder, schema)
    return Recipe(
        model=vk.VAE(vk.DiagonalGaussian(encoder, latent), vk.StandardNormal(latent), likelihood),
        objective=vk.ELBO(beta=vk.Linear(epochs=2)),
        settings=Settings(
            epochs=20,
            batch_size=128,
            learning_rate=2e-3,
            optimizer="adamw",
            schedule="cosine",
            warmup_steps=50,
            precision="auto",
            clip_norm=10.0,
            ema=0.995,
        ),
        min_steps=3000,
    )
