"""Mutual information between single latents and factors, by histograms: what MIG and modularity are made of."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 20

Codes = NDArray[np.float64]
Factors = NDArray[np.int64]


def discretize(codes: Codes, bins: int = BINS) -> NDArray[np.int64]:
    """Codes (N, D) as the number of their bin, of `bins` bins of equal width from the least to the largest value."""
    low, high = codes.min(0), codes.max(0)
    width = np.where(high > low, high - low, 1.0)
    return np.clip(((codes - low) / width * bins).astype(np.int64), 0, bins - 1)


def mutual_information(codes: Codes, factors: Factors, bins: int = BINS) -> NDArray[np.float64]:
    """I(z_j; v_k) in nats for each latent and factor, (D, F), the plug-in estimate on binned codes.

    Example:
        >>> v = np.array([[0], [1], [0], [1]])
        >>> round(mutual_information(v.astype(float), v).item(), 4)  # log 2
        0.6931
    """
    binned = discretize(codes, bins)
    num = len(codes)
    found = np.zeros((codes.shape[1], factors.shape[1]))
    for k in range(factors.shape[1]):
        values, place = np.unique(factors[:, k], return_inverse=True)
        for j in range(codes.shape[1]):
            counts = np.bincount(binned[:, j] * len(values) + place, minlength=bins * len(values))
            joint = counts.reshape(bins, len(values)) / num
            product = joint.sum(1, keepdims=True) * joint.sum(0, keepdims=True)
            seen = joint > 0
            found[j, k] = (joint[seen] * np.log(joint[seen] / product[seen])).sum()
    return found.clip(min=0)


def entropies(factors: Factors) -> NDArray[np.float64]:
    """H(v_k) in nats of each factor, (F,)."""
    found = []
    for column in factors.T:
        shares = np.unique(column, return_counts=True)[1] / len(column)
        found.append(-(shares * np.log(shares)).sum())
    return np.array(found)
