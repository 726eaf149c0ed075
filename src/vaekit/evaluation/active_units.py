"""Active units: how many latent dimensions depend on the data at all."""

from __future__ import annotations

import torch
from torch import Tensor

THRESHOLD = 0.01
"""Variance of the posterior mean above which a dimension counts. Burda et al., 2016, section 5.2."""


class ActiveUnits:
    """Var_x(E_q[z|x]) > 0.01 for each dimension. Burda et al., "Importance Weighted Autoencoders", 2016.

    Variances are accumulated over batches in float64 by the pairwise rule of Chan et al., 1979, which stays
    exact where the mean is far from zero.

    Example:
        >>> units = ActiveUnits()
        >>> units.add(torch.tensor([[-1.0, 5.0], [1.0, 5.0]]))
        >>> units.count, units.variance.tolist()
        (1, [2.0, 0.0])
    """

    def __init__(self) -> None:
        self._num = 0
        self._mean: Tensor | None = None
        self._squares: Tensor | None = None

    def add(self, loc: Tensor) -> None:
        """Take in posterior means (B, *latent)."""
        loc = loc.flatten(1).cpu().double()
        num, mean = len(loc), loc.mean(0)
        squares = (loc - mean).square().sum(0)
        if self._mean is None or self._squares is None:
            self._num, self._mean, self._squares = num, mean, squares
            return
        total, shift = self._num + num, mean - self._mean
        self._squares = self._squares + squares + shift.square() * (self._num * num / total)
        self._mean = self._mean + shift * (num / total)
        self._num = total

    @property
    def variance(self) -> Tensor:
        """Var_x(E_q[z|x]) of each dimension, (D,)."""
        assert self._squares is not None
        return self._squares / max(self._num - 1, 1)

    @property
    def mask(self) -> Tensor:
        """Which dimensions are active, (D,)."""
        return self.variance > THRESHOLD

    @property
    def count(self) -> int:
        """Number of active dimensions."""
        return int(torch.count_nonzero(self.mask))
