"""Our model for tables: residual layers, a likelihood for each column, a prior fitted afterwards."""

from __future__ import annotations

from typing import Literal

import vaekit as vk
from vaekit.recipes.recipe import Recipe
from vaekit.schema import Schema
from vaekit.training.settings import Settings

MIN_ROWS = 250
"""Training rows for each Gaussian of the fitted mixture, ten times the latent dimensions."""

def table(
    schema: Schema,
    *,
    hidden: int = 256,
    num_blocks: int = 2,
    latent: int = 24,
    beta: float = 0.3,
    hide: float = 0.7,
    around: bool | None = None,
    prior: Literal["mixture", "flow", "none"] = "mixture",
    num_components: int = 50,
) -> Recipe:
    """A VAE of tables with missing cells, the default for tables.

    Args:
        schema: what the data is; a table.
        hidden: width of the layers.
        num_blocks: residual blocks each way.
        latent: number of latent dimensions.
        beta: weight of the KL; below 1 the code keeps more of how columns depend on each other.
        hide: in training, rows hide up to this share of their cells from the encoder, which `impute` and `detect` need.
        around: a linear way around the layers of both networks; by default where at least three in four columns are
            numbers, which often go together linearly.
        prior: what is fitted to the codes after training.
        num_components: of a fitted mixture, at most one for every 250 training rows.
    """
    cells = schema.cells()
    around = schema.is_of_numbers if around is None else around
    encoder = vk.TableEncoder(cells, hidden, num_blocks=num_blocks, hide=hide, around=around)
    decoder = vk.ResidualMLP(latent, hidden, num_blocks=num_blocks, around=around)
    model = vk.VAE(vk.DiagonalGaussian(encoder, latent), vk.StandardNormal(latent), vk.Columns(decoder, cells))
    return Recipe(
        model=model,
        objective=vk.ELBO(beta=beta),
        settings=Settings(
            epochs=60, batch_size=512, learning_rate=2e-3, optimizer="adamw", weight_decay=1e-5, schedule="cosine",
            warmup_steps=100, clip_norm=10.0, ema=0.998,
        ),
        min_steps=1000,
        prior=None if prior == "none" else {"kind": prior, "num_components": num_components, "min_rows": MIN_ROWS},
    )  # fmt: skip
