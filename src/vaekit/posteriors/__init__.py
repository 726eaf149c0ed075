"""Posteriors q(z|x)."""

from vaekit.posteriors.deterministic import Deterministic as Deterministic
from vaekit.posteriors.diagonal_gaussian import DiagonalGaussian as DiagonalGaussian
