"""Posteriors q(z|x)."""

from vaekit.posteriors.corrupted import Corrupted as Corrupted
from vaekit.posteriors.deterministic import Deterministic as Deterministic
from vaekit.posteriors.diagonal_gaussian import DiagonalGaussian as DiagonalGaussian
from vaekit.posteriors.flow_posterior import FlowPosterior as FlowPosterior
from vaekit.posteriors.full_gaussian import FullGaussian as FullGaussian
from vaekit.posteriors.gumbel_softmax import GumbelSoftmax as GumbelSoftmax
from vaekit.posteriors.gumbel_softmax import RelaxedBernoulli as RelaxedBernoulli
from vaekit.posteriors.hamiltonian_posterior import HamiltonianPosterior as HamiltonianPosterior
from vaekit.posteriors.vector_quantized import VectorQuantized as VectorQuantized
from vaekit.posteriors.von_mises_fisher import VonMisesFisher as VonMisesFisher
from vaekit.posteriors.wrapped_normal import WrappedNormal as WrappedNormal
