"""Draws of examples that share the value of one factor: what the FactorVAE and the beta-VAE score are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vaekit.evaluation.information import Factors


class FixedFactor:
    """Looks up, for an example, others with the same value of a factor.

    Args:
        factors: (N, F).
        seed: of the draws.
    """

    def __init__(self, factors: Factors, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        self.num, self.num_factors = factors.shape
        self._order = np.argsort(factors, 0, kind="stable")
        self._starts, self._counts, self._group = [], [], []
        for column in factors.T:
            _, group, counts = np.unique(column, return_inverse=True, return_counts=True)
            self._group.append(group)
            self._counts.append(counts)
            self._starts.append(np.concatenate([[0], np.cumsum(counts)[:-1]]))

    def like(self, examples: NDArray[np.int64], factor: int) -> NDArray[np.int64]:
        """For each of these examples a random one with the same value of the factor."""
        group = self._group[factor][examples]
        place = self._starts[factor][group] + self.rng.integers(0, self._counts[factor][group])
        return self._order[place, factor]
