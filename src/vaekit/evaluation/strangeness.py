"""What an example is judged by when one asks how strange it is: its cost, its code, and what the code leaves open."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.distributions import Independent

from vaekit.evaluation.chunks import batches_of, chunk_sizes
from vaekit.trace import Trace

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model

MAX_COLUMNS = 1000
"""Events with more values, images for example, get no contributions of single ones."""
UNLABELLED = (64, 8)
"""Examples and draws at a time where every class is tried."""


@dataclass
class Features:
    """Of B examples.

    Args:
        cost: (B,) -log p(x) in nats, of an autoencoder -log p(x|z) at the code.
        code: (B, D) the code.
        rest: (B, F) x less its reconstruction; None for tables and sound, whose values have no natural distance.
        cells: (B, C) nats of each column, NaN where a cell is missing; None for large events.
    """

    cost: Tensor
    code: Tensor
    rest: Tensor | None
    cells: Tensor | None


def has_rest(part: Part) -> bool:
    """Whether examples less their reconstructions mean something."""
    return part.schema.kind in ("image", "array")


def features(model: Model, part: Part, num_samples: int, *, labelled: bool) -> Iterator[Features]:
    """Batch by batch, in order, on the processor.

    Args:
        model: any model.
        part: what to look at.
        num_samples: draws of z for the cost.
        labelled: judge each example as one of its own class; else a class-conditional model is summed over its classes,
            each as probable as another, and code and reconstruction are those of the class that fits best.
    """
    draws = num_samples if model.is_density else 1
    size, chunk = chunk_sizes(model, part, draws) if labelled or not model.condition else UNLABELLED
    for x, y in batches_of(part, model, size):
        given = y if model.condition and labelled else None
        if model.condition and given is None:
            cost, given = _over_classes(model, x, draws, chunk)
        else:
            cost = _cost(model, x, given, draws, chunk)
        code = model.embed(x, given if model.needs_labels else None)
        px = model.decode(code, given if model.needs_labels else None)
        rest = (x - px.mean).flatten(1).cpu() if has_rest(part) else None
        cells = _of_columns(model, part, x, px, given if model.needs_labels else None)
        yield Features(
            cost.cpu(), code.flatten(1).cpu(), rest, None if cells is None else cells.double().cpu()
        )


def _cost(
    model: Model, x: Tensor, y: Tensor | None, draws: int, chunk: int, *, any_class: bool = False
) -> Tensor:
    """-log p(x|y) by importance sampling, (B,)."""
    total = []
    for start in range(0, draws, chunk):
        trace = model(x, y, min(chunk, draws - start))
        total.append(_log_weight(model, trace, x, any_class))
    log_w = torch.cat(total).double()
    return math.log(len(log_w)) - log_w.logsumexp(0)


def _over_classes(model: Model, x: Tensor, draws: int, chunk: int) -> tuple[Tensor, Tensor]:
    """-log of the mean of p(x|y) over the classes y, (B,), and the class that fits each example best, (B,)."""
    classes = [torch.full((len(x),), c, device=x.device) for c in range(model.condition)]
    if not model.needs_labels:  # only the prior knows of classes: one pass, and the mean of the priors
        return _cost(model, x, classes[0], draws, chunk, any_class=True), classes[0]
    costs = torch.stack([_cost(model, x, y, draws, chunk) for y in classes])
    return math.log(len(costs)) - (-costs).logsumexp(0), costs.argmin(0)


def _log_weight(model: Model, trace: Trace, x: Tensor, any_class: bool) -> Tensor:
    """log p(x, z) - log q(z|x), of a table without what is said of which cells are missing; (K, B)."""
    px = trace.px
    log_px = px.log_prob_columns(x).sum(-1) if hasattr(px, "log_prob_columns") else trace.log_px
    if not model.is_density:
        return log_px
    if any_class:
        (layer,) = trace.layers
        every = [torch.full((len(x),), c, device=x.device) for c in range(model.condition)]
        log_pz = torch.stack([model.log_prior(layer.z, y) for y in every]).logsumexp(0) - math.log(len(every))
        return log_px + log_pz - layer.log_qz
    for layer in trace.layers:
        log_px = log_px + layer.log_pz - layer.log_qz
    return log_px


def _of_columns(model: Model, part: Part, x: Tensor, px: object, y: Tensor | None) -> Tensor | None:
    """What each column costs given the code: of a table with the column hidden from the encoder, so that a strange cell
    cannot explain itself; (B, C)."""
    if part.schema.kind == "table":
        out = torch.empty_like(x)
        for j in range(x.shape[1]):
            hidden = x.clone()
            hidden[:, j] = torch.nan
            out[:, j] = -model.decode(model.embed(hidden, y), y).log_prob_columns(x)[:, j]  # type: ignore[attr-defined]
        return out.masked_fill(x.isnan(), torch.nan)
    if x[0].numel() > MAX_COLUMNS or x.ndim != 2 or not isinstance(px, Independent):
        return None
    return -px.base_dist.log_prob(x)
