"""detect: how strange each example is, calibrated against the training part, and which columns make it so."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Independent

from vaekit.errors import UserError
from vaekit.evaluation.chunks import batches_of, chunk_sizes, evaluating, subset

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model

MAX_COLUMNS = 1000
"""Events with more values, images for example, get no contributions of single ones."""
NUM_REFERENCE = 5000


@dataclass
class Detection:
    """Scores of N examples.

    Args:
        score: (N,) share of the training part that is less strange, between 0 and 1; higher is stranger.
        surprise: (N,) nats beyond what examples of the training part cost on average; it orders what lies beyond all of
            them, where `score` is 1.
        contributions: (N, C) nats of each column beyond its average, 0 where a cell is missing; None for images.
    """

    score: np.ndarray
    surprise: np.ndarray
    contributions: np.ndarray | None


def detect(
    model: Model, part: Part, reference: Part, *, num_samples: int = 32, seed: int = 0, limit: int = NUM_REFERENCE
) -> Detection:
    """Score examples by -log p(x), estimated by importance sampling, beside the training part's own values of it.

    A row with missing cells is compared by what its observed cells cost on average, so that holes make nothing strange
    or ordinary. Of an autoencoder -log p(x|z) at the code is taken.

    Args:
        model: a trained model.
        part: what to score.
        reference: the training part; a random subset of `limit` examples calibrates the scores.
        num_samples: draws of z for each example.
        seed: of the draws and the subset: the same seed gives the same scores.
        limit: examples of the reference.

    Raises:
        UserError: nothing to score, or no reference.
    """
    found = list(detections(model, part, reference, num_samples=num_samples, seed=seed, limit=limit))
    cells = [f.contributions for f in found if f.contributions is not None]
    return Detection(
        np.concatenate([f.score for f in found]),
        np.concatenate([f.surprise for f in found]),
        np.concatenate(cells) if cells else None,
    )


def detections(
    model: Model, part: Part, reference: Part, *, num_samples: int = 32, seed: int = 0, limit: int = NUM_REFERENCE
) -> Iterator[Detection]:
    """`detect`, a batch at a time and in order: any number of examples in the memory of one batch.

    Raises:
        UserError: nothing to score, or no reference.
    """
    if not len(part) or not len(reference):
        raise UserError("There are no examples to score, or none to compare them with.")
    known = subset(reference, limit, seed)
    with evaluating(model, seed):
        costs = list(_costs(model, known, num_samples))
    base = np.concatenate([cost for cost, _ in costs])
    base_cells = [cells for _, cells in costs if cells is not None]
    average = np.nan_to_num(np.nanmean(np.concatenate(base_cells), 0)) if base_cells else None
    if average is not None:
        base = base - np.where(np.isnan(np.concatenate(base_cells)), 0, average).sum(1)
    usual, base = base.mean(), np.sort(base)
    with evaluating(model, seed):
        for cost, cells in _costs(model, part, num_samples):
            if cells is not None and average is not None:
                cost, cells = cost - np.where(np.isnan(cells), 0, average).sum(1), np.nan_to_num(cells - average)
            # The share of the reference below each value.
            yield Detection(np.searchsorted(base, cost, "left") / len(base), cost - usual, cells)


def _costs(model: Model, part: Part, num_samples: int) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
    """-log p(x) of each example of a batch, (B,), and of its columns, (B, C), NaN where a cell is missing."""
    draws = num_samples if model.is_density else 1
    size, chunk = chunk_sizes(model, part, draws)
    for x, y in batches_of(part, model, size):
        given = y if model.condition else None
        total: list[Tensor] = []
        for start in range(0, draws, chunk):
            trace = model(x, given, min(chunk, draws - start))
            total.append(_log_weight(model, trace, x))
        log_w = torch.cat(total)
        cost = (np.log(len(log_w)) - log_w.double().logsumexp(0)).cpu().numpy()
        cells = _of_columns(model, x, given)
        yield cost, None if cells is None else cells.double().cpu().numpy()


def _log_weight(model: Model, trace: Any, x: Tensor) -> Tensor:
    """log p(x, z) - log q(z|x), of a table without what is said of which cells are missing; (K, B)."""
    px = trace.px
    log_px = px.log_prob_columns(x).sum(-1) if hasattr(px, "log_prob_columns") else trace.log_px
    if not model.is_density:
        return log_px
    for layer in trace.layers:
        log_px = log_px + layer.log_pz - layer.log_qz
    return log_px


def _of_columns(model: Model, x: Tensor, y: Tensor | None) -> Tensor | None:
    """What each column costs given the code: of a table with the column hidden from the encoder, so that a strange cell
    cannot explain itself; (B, C)."""
    schema = model.schema
    if schema is not None and schema.kind == "table":
        out = torch.empty_like(x)
        for j in range(x.shape[1]):
            hidden = x.clone()
            hidden[:, j] = torch.nan
            out[:, j] = -model.decode(model.embed(hidden, y), y).log_prob_columns(x)[:, j]  # type: ignore[attr-defined]
        return out.masked_fill(x.isnan(), torch.nan)
    px = model.decode(model.embed(x, y), y)
    if x[0].numel() > MAX_COLUMNS or x.ndim != 2 or not isinstance(px, Independent):
        return None
    return -px.base_dist.log_prob(x)
