"""Our model of sound of any length: a sequence of codes, one for every few frames."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.recipe import Recipe
from vaekit.recipes.speech import rate_of
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def audio(
    schema: Schema,
    *,
    width: int = 96,
    latent: int = 16,
    strides: tuple[int, ...] = (2, 2),
    bands: int = 64,
    causal: bool = False,
) -> Recipe:
    """A sequence of codes for sound of any length: convolutions over the frames of a mel spectrogram.

    Args:
        schema: what the data is; sound.
        width: channels of the networks.
        latent: numbers in each code.
        strides: frames that are joined to one code, layer by layer.
        bands: mel bands of the spectrogram.
        causal: a code and what it decodes to depend on nothing that comes later.
    """
    spectrogram = vk.LogMel(schema.shape, rate_of(schema), num_bands=bands, causal=causal)
    encoder = vk.FrameEncoder(spectrogram.out_shape, width, strides, causal=causal)
    codes = (latent, *encoder.out_shape[1:])
    decoder = vk.FrameDecoder(codes, width, strides[::-1], causal=causal)
    return Recipe(
        model=vk.VAE(
            vk.DiagonalGaussian(vk.Chained(spectrogram, encoder), codes),
            vk.StandardNormal(codes),
            vk.LogSpectral(decoder, spectrogram),
        ),
        objective=vk.ELBO(beta=vk.Linear(epochs=2)),
        settings=Settings(
            epochs=20,
            batch_size=32,
            learning_rate=2e-3,
            optimizer="adamw",
            schedule="cosine",
            warmup_steps=50,
            precision="auto",
            clip_norm=200.0,
            ema=0.995,
        ),
        min_steps=1500,
    )
