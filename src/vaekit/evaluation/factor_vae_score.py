"""FactorVAE score: the latent that varies least while a factor is held must give the factor away."""

from __future__ import annotations

import numpy as np

from vaekit.evaluation.fixed_factor import FixedFactor
from vaekit.evaluation.information import Codes, Factors

NUM_VOTES, BATCH = 800, 64
PRUNED = 0.05
"""Variance of a latent, in a prior of variance one, below which it is left out as collapsed. Locatello et al., 2019."""


def factor_vae_score(
    codes: Codes, factors: Factors, *, num_votes: int = NUM_VOTES, batch: int = BATCH, seed: int = 0
) -> float:
    """FactorVAE score. Kim and Mnih, "Disentangling by Factorising", 2018.

    A vote: draw a factor k, hold its value, draw 64 examples, and take the latent whose variance is least in units of
    its variance over all examples. The classifier maps each latent to the factor that most of 800 votes had; the score
    is its accuracy on 800 other votes. Latents of variance below 0.05 are left out.

    Args:
        codes: (N, D), posterior means.
        factors: (N, F).
        num_votes: votes for the classifier, and as many for its test.
        batch: examples of a vote.
        seed: of the draws.

    Returns:
        From 1/F or so to 1.
    """
    variance = codes.var(0)
    active = variance >= PRUNED
    if not active.any():
        return 0.0
    codes, variance = codes[:, active], variance[active]
    draws = FixedFactor(factors, seed)
    counts = np.zeros((2, codes.shape[1], factors.shape[1]), np.int64)
    for half in range(2):
        for k in draws.rng.integers(0, factors.shape[1], num_votes):
            first = np.full(batch, draws.rng.integers(draws.num))
            held = codes[draws.like(first, k)]
            counts[half, (held.var(0) / variance).argmin(), k] += 1
    told = counts[0].argmax(1)
    return float(counts[1, np.arange(len(told)), told].sum() / num_votes)
