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
    width: int = 160,
    latent: int = 128,
    strides: tuple[int, ...] = (4, 2),
    bands: int = 48,
    num_components: int | None = None,
    conditional: bool = False,
) -> Recipe:
    """One code for a short clip, the default for sound: mel spectrograms in, spectrograms and their phases out.

    Args:
        schema: what the data is; sound.
        width: channels of the networks, which convolve over time.
        latent: number of latent dimensions.
        strides: frames that are joined to one, layer by layer.
        bands: mel bands of the spectrogram.
        num_components: of the mixture that is fitted to the codes as their prior; 2 for each label, or 20 without.
        conditional: a prior p(z|y) for each label; encoder and decoder are not told it, so the code has to say it.
    """
    classes = schema.condition_width(conditional)
    spectrogram = vk.LogMel(schema.shape, rate_of(schema), num_bands=bands)
    encoder = vk.FrameEncoder(spectrogram.out_shape, width, strides, num_blocks=1)
    decoder = vk.FrameDecoder(latent, width, strides[::-1], num_blocks=1, length=encoder.out_shape[2])
    posterior = vk.DiagonalGaussian(vk.Chained(spectrogram, encoder), latent)
    prior = vk.GaussianPrior(vk.MLP(classes, ()), latent) if classes else vk.StandardNormal(latent)
    num_components = num_components or (2 if classes else 20)
    return Recipe(
        model=vk.VAE(posterior, prior, vk.LogSpectral(decoder, spectrogram)),
        objective=vk.ELBO(beta=vk.Linear(epochs=5)),
        settings=Settings(
            epochs=50,
            batch_size=64,
            learning_rate=2e-3,
            optimizer="adamw",
            weight_decay=0.01,
            schedule="cosine",
            warmup_steps=50,
            precision="auto",
            clip_norm=200.0,
            ema=0.995,
        ),
        min_steps=2000,
        prior={"kind": "mixture", "num_components": num_components},
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
