"""Trustworthiness: whether examples that are neighbours as codes are neighbours as data."""

from __future__ import annotations

from vaekit.errors import UserError
from vaekit.evaluation.linear_probe import Codes

NEIGHBOURS = 5


def trustworthiness(x: Codes, codes: Codes, *, k: int = NEIGHBOURS) -> float:
    """1 minus a penalty for each of the k nearest codes whose example is no near neighbour, by its rank. Venna and
    Kaski, "Neighborhood Preservation in Nonlinear Projection Methods", 2001.

    Args:
        x: examples (N, F).
        codes: (N, D).
        k: neighbours, fewer than half of the examples.

    Returns:
        From 0 to 1; about 0.5 for codes that tell nothing.

    Raises:
        UserError: too few examples.
    """
    from sklearn.manifold import trustworthiness as measure

    if 2 * k >= len(x):
        raise UserError(f"Trustworthiness of {k} neighbours needs more than {2 * k} examples; {len(x)} came.")
    return float(measure(x, codes, n_neighbors=k))
