"""Modularity: whether each latent tells about one factor alone."""

from __future__ import annotations

from vaekit.evaluation.information import BINS, Codes, Factors, mutual_information


def modularity(codes: Codes, factors: Factors, *, bins: int = BINS) -> float:
    """Modularity score. Ridgeway and Mozer, "Learning Deep Disentangled Embeddings with the F-Statistic Loss", 2018.

    mean_j 1 - sum_{k != a} I(z_j; v_k)^2 / (I(z_j; v_a)^2 (F - 1)), a the factor that z_j tells most about, on codes in
    20 bins of equal width. Latents that tell about no factor, constant ones for example, are left out.

    Args:
        codes: (N, D).
        factors: (N, F), at least two.
        bins: of the histograms.

    Returns:
        From 0 to 1; a code of several latents for one factor still gets 1.
    """
    squared = mutual_information(codes, factors, bins) ** 2
    largest = squared.max(1)
    telling = largest > 1e-12
    if not telling.any():
        return 0.0
    squared, largest = squared[telling], largest[telling]
    others = squared.sum(1) - largest
    return float((1 - others / (largest * (factors.shape[1] - 1))).mean())
