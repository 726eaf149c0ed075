"""Dequantization: a bound on the probability of integer data from a density, in bits per dimension."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING, Any

import torch
from torch.distributions import constraints

from vaekit.errors import UserError
from vaekit.evaluation.bootstrap import bootstrap_interval
from vaekit.evaluation.chunks import evaluating, standard_error
from vaekit.evaluation.likelihood import nll
from vaekit.likelihoods import Bernoulli

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model


def dequantized_bpd(
    model: Model, part: Part, *, num_samples: int = 100, seed: int = 0, batch_size: int | None = None
) -> dict[str, Any]:
    """Bits per dimension of integer data under a density, by uniform dequantization. Theis et al., "A Note on the
    Evaluation of Generative Models", 2016.

    The probability of x is the density's integral over the bin around x, and by Jensen's inequality
    log P(x) >= E_u[log p(x + u)] + log |bin|, u uniform over the bin: the figure is an upper bound of the bits of P.
    Bins have the width of the grid, centred on its values; where the density lives on [0, 1] alone, they are the
    `levels` equal parts of it.

    Args:
        model: a model whose likelihood is a density (Gaussian, Laplace, continuous Bernoulli, ...).
        part: data on a grid of `schema.levels` values in [0, 1].
        num_samples: importance samples.
        seed: of u and of the draws; one u an example.
        batch_size: as in `nll`.

    Returns:
        `bits_per_dim`, its `_se` and `_interval`, and `bits_per_dim_how`.

    Raises:
        UserError: data without a grid, or a likelihood that is no density.
    """
    schema = part.schema
    if isinstance(model.likelihood, Bernoulli) or model.likelihood.is_likelihood_of(schema):
        raise UserError(
            f"{type(model.likelihood).__name__} is no density over the grid of {schema.name}; dequantization is for "
            "densities such as Gaussian on integer data."
        )
    if schema.levels is None or not schema.is_unit or part.binarize != "none":
        raise UserError(f"Dequantization needs integer data scaled to [0, 1]; {schema.name} is not.")
    bounded = _lives_on_unit(model, part)
    noisy = dequantize(part, bounded=bounded, seed=seed)
    width = 1 / (schema.levels if bounded else schema.levels - 1)
    found = nll(model, noisy, num_samples=num_samples, seed=seed, batch_size=batch_size)
    bits = (found.values - schema.num_features * math.log(width)) / (schema.num_features * math.log(2))
    how = f"uniform dequantization, an upper bound; bins of width 1/{round(1 / width)}, {num_samples} draws of q(z|x)"
    return {
        "bits_per_dim": float(bits.mean()),
        "bits_per_dim_se": standard_error(bits),
        "bits_per_dim_interval": bootstrap_interval(bits, seed=seed),
        "bits_per_dim_how": how,
    }


def dequantize(part: Part, *, bounded: bool, seed: int = 0) -> Part:
    """The part with each value drawn uniformly from its bin, in the model's units.

    Args:
        part: data on a grid in [0, 1].
        bounded: bins are the `levels` equal parts of [0, 1]; otherwise they are centred on the grid's values.
        seed: of the draws.
    """
    levels = part.schema.levels
    assert levels is not None
    if not part.is_held:
        raise UserError("Dequantization draws a number for every value, in memory; measure a subset of streamed data.")
    u = torch.rand(part.raw.shape, generator=torch.Generator().manual_seed(seed)).to(part.raw.device)
    raw = part.raw.float()
    x = (raw + u) / levels if bounded else (raw + u - 0.5) / (levels - 1)
    schema = dataclasses.replace(
        part.schema, levels=None, low=-math.inf, high=math.inf, offset=0.0, scale=1.0, dtype="float32"
    )
    return dataclasses.replace(part, raw=x, schema=schema)


def _lives_on_unit(model: Model, part: Part) -> bool:
    """Whether p(x|z) gives density to [0, 1] only."""
    with evaluating(model, 0):
        x, y = next(iter(part.batches(1)))
        px = model(x.to(model.device, model.dtype), None if y is None else y.to(model.device), 1).px
    support: Any = px.support
    while isinstance(support, constraints.independent):
        support = support.base_constraint
    return support is constraints.unit_interval
