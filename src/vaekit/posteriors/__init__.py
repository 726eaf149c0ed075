"""Posteriors q(z|x)."""

from vaekit.posteriors.deterministic import Deterministic as Deterministic
from vaekit.posteriors.diagonal_gaussian import DiagonalGaussian as DiagonalGaussian
from vaekit.posteriors.vector_quantized import VectorQuantized as VectorQuantized
