"""A ladder of latent maps: Child, "Very Deep VAEs Generalize Autoregressive Models and Can Outperform Them", 2021."""

from __future__ import annotations

import vaekit as vk
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings


def ladder(
    schema: Schema,
    *,
    width: int = 48,
    latent: int = 8,
    num_layers: tuple[int, ...] = (1, 2, 3),
    conditional: bool = False,
) -> Recipe:
    """A deep top-down hierarchy for images: 1/sqrt(N) residual branches, priors that start at N(0, I), free bits.

    Args:
        schema: what the data is; images.
        width: channels of the maps.
        latent: channels of each latent map.
        num_layers: latent layers at half, a quarter, an eighth, ... of the image's size.
        conditional: condition encoder and the top of the ladder on the label.
    """
    encoder = vk.LadderEncoder(
        schema.shape, width, [max(1, n) for n in num_layers], condition=schema.condition_width(conditional)
    )
    last = vk.ResNetDecoder((width, *encoder.sizes[0]), schema.shape[1:], (width // 2,), half=True)
    return Recipe(
        model=vk.LadderVAE(
            encoder, vk.natural_likelihood(last, schema), num_layers=num_layers, latent=latent
        ),
        objective=vk.ELBO(beta=vk.Linear(epochs=5, start=0.1)),
        settings=Settings(
            epochs=40,
            batch_size=128,
            learning_rate=2e-3,
            optimizer="adamw",
            schedule="cosine",
            warmup_steps=100,
            precision="auto",
            clip_norm=100.0,
            skip_spikes=5.0,
            ema=0.999,
        ),
        min_steps=3000,
    )
