"""beta-VAE score: the differences of pairs that share a factor must give the factor away to a linear classifier."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from vaekit.evaluation.fixed_factor import FixedFactor
from vaekit.evaluation.information import Codes, Factors

NUM_TRAIN, NUM_TEST, PAIRS = 1000, 500, 64


def beta_vae_score(
    codes: Codes,
    factors: Factors,
    *,
    num_train: int = NUM_TRAIN,
    num_test: int = NUM_TEST,
    pairs: int = PAIRS,
    seed: int = 0,
) -> float:
    """beta-VAE score. Higgins et al., "beta-VAE", 2017.

    A point: draw a factor k and 64 pairs of examples that share its value, each pair another value; the mean of
    |z_1 - z_2| over the pairs is the input and k the class. The score is the accuracy, on 500 other points, of a
    logistic regression trained on 1,000.

    Args:
        codes: (N, D), posterior means.
        factors: (N, F).
        num_train, num_test: points.
        pairs: of a point.
        seed: of the draws.

    Returns:
        From 1/F or so to 1. A code whose factors share latents can still get 1: the classifier sees all of them.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    draws = FixedFactor(factors, seed)
    x, k = _points(codes, draws, num_train, pairs)
    scale = x.std(0)
    scale = np.where(scale > 1e-12, scale, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier = LogisticRegression(max_iter=1000, random_state=seed).fit((x - x.mean(0)) / scale, k)
    test, truth = _points(codes, draws, num_test, pairs)
    return float(classifier.score((test - x.mean(0)) / scale, truth))


def _points(
    codes: Codes, draws: FixedFactor, num: int, pairs: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    ks = draws.rng.integers(0, draws.num_factors, num)
    rows = []
    for k in ks:
        first = draws.rng.integers(0, draws.num, pairs)
        rows.append(np.abs(codes[first] - codes[draws.like(first, k)]).mean(0))
    return np.stack(rows), ks
