"""Protocol: how a figure was measured, so that figures of different protocols are never ranked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from vaekit.likelihoods import Bernoulli

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model

EXAMPLES = ("examples", "n")
"""Which examples were measured, by the hash of their values: what every figure depends on."""
BY_FIGURE = {
    "nll": (*EXAMPLES, "binarization", "measure", "estimator", "num_samples"),
    "bits_per_dim": (*EXAMPLES, "binarization", "measure", "estimator", "num_samples"),
    "elbo": (*EXAMPLES, "binarization", "measure"),
    "distortion": (*EXAMPLES, "binarization", "measure"),
    "rate": (*EXAMPLES, "binarization"),
    "mse": (*EXAMPLES, "binarization", "unit_of_x"),
    "frechet_pca64": (*EXAMPLES, "binarization", "reference"),
}
"""What of the protocol a figure depends on; any figure that is not here depends on all of it."""
NOTES = ("data", "part", "n_total", "binarization_seed", "seed", "precision", "likelihood", "is_likelihood")
"""Stated for whoever repeats the figure; two figures that differ here alone estimate the same quantity."""


def protocol_of(
    model: Model, part: Part, whole: Part, *, seed: int, num_samples: int, name: str = ""
) -> dict[str, Any]:
    """How `evaluate` measures `model` on `part`, a seeded subset of `whole`; JSON-ready.

    Args:
        model: the model.
        part: the examples that are measured.
        whole: the part that they were taken from.
        seed: of the subset and of the draws.
        num_samples: importance samples K of each example.
        name: "test", "valid" or "train".
    """
    schema = part.schema
    dynamic = part.binarize == "dynamic"
    return {
        **examples_of(part, whole, name=name),
        "seed": seed,
        "binarization": part.binarize,
        **({"binarization_seed": part.seed} if dynamic else {}),
        "unit_of_x": _scale(schema.scale),
        "likelihood": type(model.likelihood).__name__,
        "is_likelihood": model.is_density and model.likelihood.is_likelihood_of(schema),
        "measure": measure_of(model, part),
        "estimator": "importance sampling from q(z|x)" if num_samples else "none",
        "num_samples": num_samples,
        "precision": f"{str(model.dtype).removeprefix('torch.')} densities, float64 sums",
    }


def examples_of(part: Part, whole: Part, *, name: str = "") -> dict[str, Any]:
    """Which examples are measured: their data set, their part, how many, and a hash of their raw values."""
    return {
        "data": part.schema.name,
        **({"part": name} if name else {}),
        "examples": fingerprint(part),
        "n": len(part),
        "n_total": len(whole),
    }


def measure_of(model: Model, part: Part) -> str:
    """What log p(x|z) is: a probability, a density, or neither."""
    schema, likelihood = part.schema, model.likelihood
    if likelihood.is_likelihood_of(schema):
        return "probability" if schema.levels is not None else f"density per {_scale(schema.scale)} of x"
    if isinstance(likelihood, Bernoulli):
        return "cross-entropy of grey levels"
    return f"{type(likelihood).__name__} density at grid points"


def fingerprint(part: Part, rows: int = 4096) -> str:
    """First 16 hexadecimal digits of the sha256 of the raw values, their shape and their type."""
    digest = hashlib.sha256(f"{(len(part), *part.raw.shape[1:])} {part.raw.dtype}".encode())
    for raw in part.raws(rows):
        digest.update(raw.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]


def differences(first: Mapping[str, Any], second: Mapping[str, Any], figure: str = "") -> list[str]:
    """Names of what differs between two protocols and matters to a figure; empty where they compare.

    Example:
        >>> differences({"n": 100, "num_samples": 5}, {"n": 100, "num_samples": 50}, "nll")
        ['num_samples']
        >>> differences({"n": 100, "num_samples": 5}, {"n": 100, "num_samples": 50}, "mse")
        []
    """
    keys = BY_FIGURE.get(figure, tuple(dict.fromkeys([*first, *second])))
    return [key for key in keys if key not in NOTES and first.get(key) != second.get(key)]


def _scale(scale: float | tuple[float, ...]) -> str:
    """A scale as text; many of them as a hash."""
    if isinstance(scale, tuple):
        return "features' scales " + hashlib.sha256(repr(scale).encode()).hexdigest()[:8]
    return f"{scale:g}"
