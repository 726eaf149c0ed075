"""Linear probe: how well a linear classifier reads the labels from codes."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.float64]
Labels = NDArray[np.int64]


def linear_probe(
    train: Codes, train_y: Labels, test: Codes, test_y: Labels, *, seed: int = 0
) -> NDArray[np.bool_]:
    """Which test examples a logistic regression (L2, C = 1, on standardized codes) gets right, (N,).

    Alain and Bengio, "Understanding Intermediate Layers Using Linear Classifier Probes", 2016. The mean is the
    accuracy.

    Args:
        train, test: codes (M, D) and (N, D).
        train_y, test_y: labels.
        seed: of the solver.

    Example:
        >>> z, y = np.array([[-1.0], [-2.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
        >>> linear_probe(z, y, np.array([[-3.0], [3.0]]), np.array([0, 1])).tolist()
        [True, True]
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    mean, scale = train.mean(0), train.std(0)
    scale = np.where(scale > 1e-12, scale, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        classifier = LogisticRegression(max_iter=500, random_state=seed).fit((train - mean) / scale, train_y)
    return np.asarray(classifier.predict((test - mean) / scale) == test_y)
