"""What a page shows of a prior: draws of it, and in the plane its density."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import torch
from torch import Tensor

from vaekit.evaluation.chunks import evaluating
from vaekit.explorer.blobs import Blobs
from vaekit.hierarchical import HierarchicalVAE
from vaekit.interop.codes import as_grid, codebook_of, grid_of, is_discrete
from vaekit.ladder import LadderVAE
from vaekit.model import VAE, Model
from vaekit.priors import StandardNormal
from vaekit.semi_supervised import SemiSupervisedVAE

__all__ = ["state_prior"]

MAX_SAMPLES, MAX_NUMBERS = 1000, 20_000
"""Draws of a standard normal, whose contours have a formula; they are looked at, nothing is measured by them."""
MANY_SAMPLES, MANY_NUMBERS = 4000, 200_000
"""Of other priors, whose contours along two dimensions follow from them."""
IN_PLANE, MAX_DRAWN = 20_000, 2**22
"""Draws in the plane of the map, of which only the place there is kept; numbers that are drawn for it."""
ENOUGH, PIECE = 500, 1000
GRID = 96
"""Places a side at which the density is known."""


def state_prior(
    model: Model, blobs: Blobs, reach: float, plane: dict[str, Any] | None = None
) -> dict[str, Any] | None:
    """The prior of a model, as the manifest states it; None for an autoencoder, which was trained with none.

    Args:
        model: any model.
        blobs: where the numbers go.
        reach: how far from the origin the density is needed.
        plane: of the map, where there are more than two dimensions.
    """
    name = _name(model)
    if not model.is_density and name == "standard-normal":
        return None
    with evaluating(model, 0):
        if isinstance(model, VAE) and is_discrete(model):
            return {"name": name, "samples": blobs.array("samples", _codes(model), "int32"), "label": None}
        is_known = name == "standard-normal"
        samples, label = _samples(model, *((MAX_SAMPLES, MAX_NUMBERS) if is_known else (MANY_SAMPLES, MANY_NUMBERS)))
        is_flat = samples.shape[1] <= 2
        made: dict[str, Any] = {
            "name": name,
            "samples": blobs.array("samples", samples, "float16", bits=8)
            if is_known or is_flat
            else blobs.column_steps("samples", samples, bits=8),
            "label": None if label is None else blobs.array("samples-label", label, "int32"),
            "density": _density(model, blobs, max(reach, 3.5)) if samples.shape[1] == 2 else None,
            "plane": None if is_known or plane is None else _in_plane(model, plane, blobs),
            "standard": _standard(model),
        }
    return made


def _name(model: Model) -> str:
    """The kind of prior: "standard-normal", "vamp-prior", "hierarchy"."""
    if isinstance(model, HierarchicalVAE | LadderVAE):
        return "hierarchy"
    assert isinstance(model, VAE | SemiSupervisedVAE)
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", type(model.prior).__name__).lower()


def _samples(model: Model, most: int, numbers: int) -> tuple[np.ndarray, np.ndarray | None]:
    """Draws of z (S, D), of all classes in turn where the prior or the decoder depends on them."""
    if isinstance(model, SemiSupervisedVAE):
        classes, size = model.num_classes, model.latent_shape[0] - model.num_classes
    else:
        classes, size = model.condition, int(np.prod(model.latent_shape))
    num = min(most, max(16, numbers // size))
    y = torch.arange(num) % classes if classes else None
    pieces = [slice(start, start + PIECE) for start in range(0, num, PIECE)]
    drawn = [model.draw_prior(min(PIECE, num - p.start), None if y is None else y[p]).flatten(1) for p in pieces]
    z = torch.cat(drawn)[:, -size:]
    return z.numpy(), None if y is None else y.numpy()


def _in_plane(model: Model, plane: dict[str, Any], blobs: Blobs) -> dict[str, Any] | None:
    """Where many draws lie on the map, (S, 2); None where they would be too few to tell the prior from chance."""
    axes = np.asarray(plane["axes"])
    if MAX_DRAWN // axes.shape[1] < ENOUGH:
        return None
    z, _ = _samples(model, IN_PLANE, MAX_DRAWN)
    return blobs.column_steps("prior-plane", (z - np.asarray(plane["center"])) @ axes.T, bits=8)


def _standard(model: Model) -> int:
    """How many of the first dimensions the prior draws from a standard normal, whatever the others are."""
    if isinstance(model, HierarchicalVAE) and isinstance(model.priors[0], StandardNormal):
        return model.sizes[0]
    return 0


def _codes(model: VAE) -> np.ndarray:
    """Draws of the prior as codes (S, h, w); the symbols of a residual codebook are drawn alike."""
    symbols, height, width, values = grid_of(model)
    num = max(8, min(64, MAX_NUMBERS // (symbols * height * width)))
    if symbols > 1:
        return torch.randint(values, (num, symbols * height, width)).numpy()
    y = torch.arange(num) % model.condition if model.condition else None
    z = model.draw_prior(num, y)
    return as_grid(_codes_of(model, z), model).numpy()


def _codes_of(model: VAE, z: Tensor) -> Tensor:
    if model.posterior.support == "codes":
        return codebook_of(model).codes_of(z.flatten(2).mT)
    return z.argmax(-1) if model.posterior.support == "categories" else (z > 0.5).long()


def _density(model: Model, blobs: Blobs, reach: float) -> dict[str, Any] | None:
    """log p(z) on a grid of the plane, row by row from low to high; the mean over classes where it depends on them.

    A standard normal is left out, of which the page knows the formula, and so is a prior on a sphere, whose density is
    along a line.
    """
    if not isinstance(model, VAE) or isinstance(model.prior, StandardNormal) or model.prior.support != "real":
        return None
    line = torch.linspace(-reach, reach, GRID)
    z = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1).reshape(-1, *model.latent_shape)
    if model.condition:
        each = [model.log_prior(z, torch.full((len(z),), label)) for label in range(model.condition)]
        log_p = torch.stack(each).logsumexp(0) - np.log(model.condition)
    else:
        log_p = model.log_prior(z)
    grid = log_p.reshape(GRID, GRID).clamp(min=-60).numpy()
    return {"low": [-reach] * 2, "high": [reach] * 2, "grid": blobs.array("density", grid, "float16", bits=7)}
