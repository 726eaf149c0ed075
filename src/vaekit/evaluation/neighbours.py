"""Nearest neighbours: the training examples closest to a sample, and whether samples are copies of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaekit.evaluation.bootstrap import bootstrap_interval

if TYPE_CHECKING:
    from vaekit.data.dataset import Part

ROWS = 4096


def pairwise(a: Tensor, b: Tensor, *, exact: bool = True) -> Tensor:
    """Euclidean distances (N, M) of (N, F) and (M, F); exactly zero between equal points where `exact`."""
    mode = "donot_use_mm_for_euclid_dist" if exact else "use_mm_for_euclid_dist_if_necessary"
    return torch.cdist(a, b, compute_mode=mode)


def nearest(
    queries: Tensor, points: Tensor, *, k: int = 1, exact: bool = False, rows: int = ROWS
) -> tuple[Tensor, Tensor]:
    """Distances (N, k) and positions (N, k) of the k nearest points, nearest first.

    Args:
        queries: (N, F).
        points: (M, F).
        k: neighbours.
        exact: without the rounding of a matrix product.
        rows: points are walked so many at a time.

    Example:
        >>> nearest(torch.tensor([[2.2]]), torch.arange(5.0).unsqueeze(-1), k=2)[1]
        tensor([[2, 3]])
    """
    distances = queries.new_empty(len(queries), 0)
    places = torch.empty(len(queries), 0, dtype=torch.long)
    for start in range(0, len(points), rows):
        found = pairwise(queries, points[start : start + rows], exact=exact)
        distances = torch.cat([distances, found], -1)
        here = torch.arange(start, start + found.shape[1]).expand(len(queries), -1)
        places = torch.cat([places, here], -1)
        kept = distances.topk(min(k, distances.shape[1]), largest=False)
        distances, places = kept.values, places.gather(-1, kept.indices)
    return distances, places


def nearest_in(queries: Tensor, part: Part, *, k: int = 1) -> tuple[Tensor, Tensor]:
    """`nearest` among the examples of a part, by their values; queries (N, *event) in the model's units."""
    queries = queries.flatten(1).cpu().float()
    distances, places, start = queries.new_empty(len(queries), 0), torch.empty(len(queries), 0).long(), 0
    for x, _ in part.batches(ROWS):
        near, at = nearest(queries, x.flatten(1).cpu().float(), k=k)
        distances, places = torch.cat([distances, near], -1), torch.cat([places, at + start], -1)
        kept = distances.topk(min(k, distances.shape[1]), largest=False)
        distances, places, start = kept.values, places.gather(-1, kept.indices), start + len(x)
    return distances, places


def memorization(samples: Tensor, held_out: Tensor, train: Part, *, seed: int = 0) -> dict[str, object]:
    """Distance of samples to their nearest training example, as a share of that of held-out examples.

    Near 1, samples are as far from the training data as new data are; near 0 they are copies. Means of p(x|z) are
    smoother than data and lie closer than draws would, so a value somewhat below 1 is no sign of copying.

    Args:
        samples: (N, *event).
        held_out: real examples that were not trained on, (M, *event).
        train: the training part.
        seed: of the interval.

    Returns:
        `nearest_ratio`, the ratio of mean distances, its interval, and the share of samples that are closer to the
        training data than 99 % of held-out examples are, `nearest_copies` (0.01 is expected of new data).
    """
    near = nearest_in(samples, train)[0][:, 0].double()
    real = nearest_in(held_out, train)[0][:, 0].double()
    scale = max(float(real.mean()), 1e-12)
    interval = bootstrap_interval(near / scale, seed=seed)
    threshold = torch.quantile(real, 0.01)
    return {
        "nearest_ratio": float(near.mean()) / scale,
        "nearest_ratio_interval": interval,
        "nearest_copies": float((near < threshold).double().mean()),
    }
