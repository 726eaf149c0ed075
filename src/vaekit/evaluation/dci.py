"""DCI: disentanglement, completeness and informativeness, from how much each latent helps to predict each factor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from vaekit.evaluation.information import Codes, Factors

NUM_TRAIN, NUM_TREES = 2000, 50


def dci(
    codes: Codes,
    factors: Factors,
    *,
    num_train: int = NUM_TRAIN,
    num_trees: int = NUM_TREES,
    seed: int = 0,
) -> dict[str, float]:
    """Disentanglement, completeness and informativeness. Eastwood and Williams, "A Framework for the Quantitative
    Evaluation of Disentangled Representations", 2018.

    The importance of a latent for a factor is that of scikit-learn's GradientBoostingClassifier (50 trees of depth 3 a
    class, trained on 2,000 examples, the factor's values as classes), as in Locatello et al., 2019, who take 100 trees
    and 10,000 examples; the original paper takes Lasso and random forests.

    Args:
        codes: (N, D).
        factors: (N, F).
        num_train: examples that the trees are trained on, at most two thirds of all.
        num_trees: boosting rounds.
        seed: of the split and the trees.

    Returns:
        `dci_disentanglement` (each latent tells about one factor), `dci_completeness` (each factor is told by one
        latent), `dci_informativeness` (mean accuracy on as many other examples).
    """
    from sklearn.ensemble import GradientBoostingClassifier

    order = np.random.default_rng(seed).permutation(len(codes))
    num_train = min(num_train, 2 * len(codes) // 3)
    train, test = order[:num_train], order[num_train : 2 * num_train]
    importance, accuracy = [], []
    for factor in factors.T:
        if len(np.unique(factor[train])) < 2:
            continue
        trees = GradientBoostingClassifier(n_estimators=num_trees, random_state=seed)
        trees.fit(codes[train], factor[train])
        importance.append(np.abs(trees.feature_importances_))
        accuracy.append(trees.score(codes[test], factor[test]))
    scores = scores_of(np.stack(importance, 1))
    return {
        "dci_disentanglement": scores[0],
        "dci_completeness": scores[1],
        "dci_informativeness": float(np.mean(accuracy)),
    }


def scores_of(importance: NDArray[np.float64]) -> tuple[float, float]:
    """Disentanglement and completeness of a matrix of importances (D, F).

    Disentanglement: sum_j r_j (1 - H_F(P_j)), P_j the row j as shares, H_F its entropy in base F, r_j the row's share
    of the whole. Completeness: the mean over factors of 1 - H_D(column as shares).

    Example:
        >>> scores_of(np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))
        (1.0, 1.0)
        >>> scores_of(np.array([[0.5, 0.5], [0.5, 0.5]]))
        (0.0, 0.0)
    """
    rows = importance.sum(1)
    each_latent = 1 - _entropy(importance / np.where(rows > 0, rows, 1)[:, None], axis=1)
    columns = importance.sum(0)
    each_factor = 1 - _entropy(importance / np.where(columns > 0, columns, 1), axis=0)
    total = rows.sum()
    disentanglement = (rows / total * each_latent).sum() if total > 0 else 0.0
    return float(disentanglement), float(each_factor[columns > 0].mean()) if total > 0 else 0.0


def _entropy(shares: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
    """In units of its largest possible value; of one share alone it is zero."""
    size = shares.shape[axis]
    logs = np.log(np.where(shares > 0, shares, 1))
    return -(shares * logs).sum(axis) / (np.log(size) if size > 1 else 1)
