"""SAP: how much better the best latent predicts a factor than the next one."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from vaekit.evaluation.information import Codes, Factors

NUM_TRAIN = 5000


def sap(
    codes: Codes,
    factors: Factors,
    *,
    categorical: Collection[int] = (),
    num_train: int = NUM_TRAIN,
    seed: int = 0,
) -> float:
    """Separated attribute predictability. Kumar et al., "Variational Inference of Disentangled Latent Concepts", 2018.

    mean_k (S_ak - S_bk), a and b the latents with the largest scores. For an ordered factor S_jk is R^2 of the linear
    regression of v_k on z_j; for a categorical one it is the balanced accuracy, on held-out examples, of a linear
    support vector machine on z_j alone. (Locatello et al., 2019, take the latter for all factors; the two differ much.)

    Args:
        codes: (N, D).
        factors: (N, F).
        categorical: columns of `factors` whose values have no order.
        num_train: examples that a classifier is trained on, at most half of all.
        seed: of the split.

    Returns:
        From 0 to 1.

    Example:
        >>> factors = np.stack(np.meshgrid(range(4), range(5)), -1).reshape(-1, 2)
        >>> round(sap(factors.astype(float), factors), 6)
        1.0
    """
    scores = _r_squared(codes, factors.astype(float))
    for k in categorical:
        scores[:, k] = _accuracies(codes, factors[:, k], num_train, seed)
    varies = factors.std(0) > 0
    first = np.sort(scores[:, varies], 0)[::-1]
    second = first[1] if len(first) > 1 else np.zeros_like(first[0])
    return float((first[0] - second).mean())


def _r_squared(codes: Codes, factors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Squared correlations (D, F); zero with what does not vary."""
    z, v = codes - codes.mean(0), factors - factors.mean(0)
    scale = np.sqrt(np.outer((z**2).sum(0), (v**2).sum(0)))
    return np.where(scale > 1e-12, (z.T @ v) / np.where(scale > 1e-12, scale, 1), 0.0) ** 2


def _accuracies(codes: Codes, factor: NDArray[np.int64], num_train: int, seed: int) -> NDArray[np.float64]:
    """Balanced accuracy from each latent alone, (D,)."""
    from sklearn.metrics import balanced_accuracy_score
    from sklearn.svm import LinearSVC

    order = np.random.default_rng(seed).permutation(len(codes))
    num_train = min(num_train, len(codes) // 2)
    train, test = order[:num_train], order[num_train : 2 * num_train]
    scale = codes[train].std(0)
    z = (codes - codes[train].mean(0)) / np.where(scale > 1e-12, scale, 1)
    found = []
    for column in z.T:
        machine = LinearSVC(C=0.01, class_weight="balanced", random_state=seed)
        machine.fit(column[train, None], factor[train])
        found.append(balanced_accuracy_score(factor[test], machine.predict(column[test, None])))
    return np.array(found)
