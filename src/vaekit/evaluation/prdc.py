"""Precision, recall, density and coverage: whether samples are like data, and whether all data have samples."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaekit.errors import UserError
from vaekit.evaluation.neighbours import nearest, pairwise

NEAREST = 5


@dataclass(frozen=True)
class Prdc:
    """One value an example, whose means are the four figures.

    Args:
        precision: (M,), whether a sample lies in the ball of any example.
        recall: (N,), whether an example lies in the ball of any sample.
        density: (M,), the number of examples' balls that hold a sample, over k.
        coverage: (N,), whether an example's ball holds any sample.
    """

    precision: Tensor
    recall: Tensor
    density: Tensor
    coverage: Tensor


def prdc(data: Tensor, samples: Tensor, *, k: int = NEAREST, rows: int = 1024) -> Prdc:
    """Improved precision and recall (Kynkäänniemi et al., 2019), density and coverage (Naeem et al., 2020).

    The ball of a point reaches to its k-th nearest neighbour in its own set; the boundary belongs to it. The first
    paper uses k = 3, the second k = 5.

    Args:
        data: features of real examples, (N, F).
        samples: features of samples, (M, F).
        k: neighbours.
        rows: distances of so many samples are held at a time.

    Raises:
        UserError: too few points for k neighbours.

    Example:
        >>> line = torch.arange(6.0).unsqueeze(-1)
        >>> found = prdc(line, line[:3], k=1)
        >>> found.precision.mean().item(), found.coverage.tolist()
        (1.0, [1.0, 1.0, 1.0, 1.0, 0.0, 0.0])
    """
    if min(len(data), len(samples)) <= k:
        raise UserError(
            f"{k} nearest neighbours need more than {k} points; {min(len(data), len(samples))} came."
        )
    data, samples = data.double(), samples.double()
    data_radius, sample_radius = radii(data, k), radii(samples, k)
    counts, recall, closest = (
        [],
        torch.zeros(len(data), dtype=torch.bool),
        torch.full((len(data),), torch.inf),
    )
    closest = closest.double()
    for start in range(0, len(samples), rows):
        chunk = slice(start, start + rows)
        distance = pairwise(samples[chunk], data)  # (rows, N)
        counts.append((distance <= data_radius).sum(-1))
        recall |= (distance <= sample_radius[chunk, None]).any(0)
        closest = torch.minimum(closest, distance.min(0).values)
    inside = torch.cat(counts)
    return Prdc(
        (inside > 0).double(), recall.double(), inside.double() / k, (closest <= data_radius).double()
    )


def radii(points: Tensor, k: int) -> Tensor:
    """Distance from each point to its k-th nearest other one, (N,)."""
    return nearest(points, points, k=k + 1, exact=True)[0][:, k]
