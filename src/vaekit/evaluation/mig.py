"""MIG: whether each factor is told by one latent alone."""

from __future__ import annotations

import numpy as np

from vaekit.evaluation.information import BINS, Codes, Factors, entropies, mutual_information


def mig(codes: Codes, factors: Factors, *, bins: int = BINS) -> float:
    """Mutual information gap. Chen et al., "Isolating Sources of Disentanglement", 2018.

    mean_k (I(z_a; v_k) - I(z_b; v_k)) / H(v_k), a and b the two latents that tell most about v_k. Information is the
    plug-in estimate on codes in 20 bins of equal width, as in Locatello et al., 2019; Chen et al. integrate q(z|x)
    instead. On posterior means, a collapsed latent that still carries traces of a factor counts in full; on draws of
    q(z|x) it does not.

    Args:
        codes: (N, D), posterior means, or draws.
        factors: (N, F), indices.
        bins: of the histograms.

    Returns:
        From 0 to 1, 1 for a code in which each factor has a latent of its own.

    Example:
        >>> factors = np.stack(np.meshgrid(range(4), range(5)), -1).reshape(-1, 2)
        >>> round(mig(factors.astype(float), factors), 6)
        1.0
    """
    information = mutual_information(codes, factors, bins)
    first = np.sort(information, 0)[::-1]
    second = first[1] if len(first) > 1 else np.zeros_like(first[0])
    known = entropies(factors)
    varies = known > 0
    return float(((first[0] - second)[varies] / known[varies]).mean())
