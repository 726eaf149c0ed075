"""Recipes: one function a paper or use. Names are resolved when asked for; importing this imports no torch."""

from __future__ import annotations

import importlib
from collections.abc import Callable

from vaekit.errors import UserError, did_you_mean
from vaekit.recipes.recipe import Recipe as Recipe

NAMES: tuple[str, ...] = (
    "ae",
    "vae",
    "conv",
    "embedding",
    "hvae",
    "vqvae",
    "vampprior",
    "hvampprior",
    "iaf",
    "nf",
    "hamiltonian",
    "svae",
    "poincare",
    "twostage",
    "fsq",
    "rqvae",
    "hrqvae",
    "ladder",
    "iwae",
    "miwae",
    "piwae",
    "ciwae",
    "renyi",
    "betavae",
    "capacityvae",
    "tcvae",
    "factorvae",
    "dipvae",
    "infovae",
    "wae",
    "swae",
    "aae",
    "rae",
    "vaegan",
    "msssimvae",
    "m2", "table", "speech", "audio",
)
"""Every recipe; a new one is a file with a function of the same name, and a word here."""


def find_recipe(name: str) -> Callable[..., Recipe]:
    """The recipe function of that name.

    Raises:
        UserError: there is none.
    """
    if name not in NAMES:
        raise UserError(f'There is no recipe "{name}". {did_you_mean(name, NAMES)}')
    return getattr(importlib.import_module(f"vaekit.recipes.{name}"), name)
