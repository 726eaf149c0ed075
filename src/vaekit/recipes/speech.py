"""Our model of short utterances: one code a clip, spectrograms judged as one hears them."""

from __future__ import annotations

import vaekit as vk
from vaekit.errors import UserError
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def speech(
    schema: Schema,
    *,
    hidden: int = 800,
    latent: int = 64,
    bands: int = 48,
    conditional: bool = False,
) -> Recipe:
    """One code for a short clip, the default for sound: mel spectrograms in, spectrograms and their phases out.

    Args:
        schema: what the data is; sound.
        hidden: width of the widest layer, half of it in the next.
        latent: number of latent dimensions.
        bands: mel bands of the spectrogram.
        conditional: a prior for each label, p(z|y), and a decoder that is told the label.
    """
    classes = schema.condition_width(conditional)
    spectrogram = vk.LogMel(schema.shape, rate_of(schema), num_bands=bands)
    encoder = vk.Chained(spectrogram, vk.MLP(spectrogram.out_shape, (hidden, hidden // 2), condition=classes))
    decoder = vk.MLP(latent, (hidden // 2, hidden), condition=classes)
    prior = vk.MixturePrior(latent, 1, condition=classes) if classes else vk.StandardNormal(latent)
    return Recipe(
        model=vk.VAE(vk.DiagonalGaussian(encoder, latent), prior, vk.LogSpectral(decoder, spectrogram)),
        objective=vk.ELBO(beta=vk.Linear(epochs=5)),
        settings=Settings(
            epochs=60,
            batch_size=64,
            learning_rate=1e-3,
            optimizer="adamw",
            weight_decay=0.01,
            schedule="cosine",
            warmup_steps=50,
            precision="auto",
            clip_norm=200.0,
            ema=0.995,
        ),
        min_steps=2000,
    )


def rate_of(schema: Schema) -> int:
    """The sample rate of sound, in Hz.

    Raises:
        UserError: the data is no sound.
    """
    if schema.kind != "audio" or not schema.rate:
        raise UserError(
            f"This recipe is for sound; {schema.name} is of kind {schema.kind}. Leave --recipe out."
        )
    return schema.rate
