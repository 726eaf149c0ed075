"""k nearest neighbours: how well the labels of neighbouring codes agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vaekit.evaluation.linear_probe import Codes, Labels

NEIGHBOURS = 5


def knn(
    train: Codes, train_y: Labels, test: Codes, test_y: Labels, *, k: int = NEIGHBOURS
) -> NDArray[np.bool_]:
    """Which test examples the majority of their k nearest training codes gets right, (N,); Euclidean distance.

    Args:
        train, test: codes (M, D) and (N, D).
        train_y, test_y: labels.
        k: neighbours; all training examples where there are fewer.
    """
    from sklearn.neighbors import KNeighborsClassifier

    classifier = KNeighborsClassifier(min(k, len(train))).fit(train, train_y)
    return np.asarray(classifier.predict(test) == test_y)
