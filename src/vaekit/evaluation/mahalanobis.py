"""Mahalanobis distances under a Gaussian of shrunk covariance, each example judged by the others."""

from __future__ import annotations

import torch
from torch import Tensor

FOLDS = 5
BUDGET = 2**22
"""Values, N D, from which a Gaussian is fitted; of large events fewer examples are taken."""
MIN_ROWS = 100


class Gaussian:
    """The Gaussian of N vectors, its covariance drawn towards a multiple of the identity as far as the sampling error
    demands: Ledoit and Wolf, "A Well-Conditioned Estimator for Large-Dimensional Covariance Matrices", 2004.

    Nothing of size D x D is held where N is smaller than D.

    Args:
        x: (N, D), N at least 1.
    """

    def __init__(self, x: Tensor) -> None:
        x = x.double()
        num, size = x.shape
        self.mean = x.mean(0)
        x = x - self.mean
        if num < size:
            found, left = torch.linalg.eigh(x @ x.T / num)
            axes = x.T @ left / (num * found.clamp(min=1e-300)).sqrt()
        else:
            found, axes = torch.linalg.eigh(x.T @ x / num)
        real = found > 1e-10 * found[-1]  # the others are rounding
        found, self.axes = found[real], axes[:, real]
        level, square = found.sum() / size, found.square().sum()
        spread = (square / size - level.square()).clamp(min=0)
        error = ((x.square().sum(1).square().mean() - square) / (num * size)).clamp(min=0)
        shrink = (error / spread).clamp(max=1) if spread > 0 else torch.ones_like(level)
        tiny = torch.finfo(torch.float32).eps * level + 1e-30
        self.rest = shrink * level + tiny  # the variance along every direction that is no axis
        self.variance = (1 - shrink) * found + self.rest

    def distance(self, x: Tensor) -> Tensor:
        """Squared Mahalanobis distance of (N, D), (N,)."""
        x = x.double() - self.mean
        along = (x @ self.axes).square()
        beside = (x.square().sum(1) - along.sum(1)).clamp(min=0)
        return (along / self.variance).sum(1) + beside / self.rest


class CrossFitted:
    """Gaussians of a sample without each fifth of it in turn, so that what the sample's own distances are is what those
    of new examples would be.

    Args:
        x: (N, D), in random order.
    """

    own: Tensor
    """Squared distance of each example under the Gaussian that was fitted without it, (N,)."""

    def __init__(self, x: Tensor) -> None:
        fold = torch.arange(len(x), device=x.device) % min(FOLDS, len(x))
        self.own = x.new_zeros(len(x), dtype=torch.float64)
        self.gaussians = []
        for i in range(int(fold.max()) + 1):
            out = fold == i if len(x) > 1 else torch.zeros_like(fold, dtype=torch.bool)
            self.gaussians.append(Gaussian(x[~out]))
            self.own[out] = self.gaussians[-1].distance(x[out])

    def distance(self, x: Tensor) -> Tensor:
        """The mean of the squared distances of (N, D), (N,)."""
        return torch.stack([g.distance(x) for g in self.gaussians]).mean(0)


def num_rows(size: int, limit: int) -> int:
    """How many of at most `limit` examples of `size` values a Gaussian is fitted to."""
    return min(limit, max(MIN_ROWS, BUDGET // size))
