"""Priors p(z)."""

from vaekit.priors.autoregressive_codes import AutoregressiveCodes as AutoregressiveCodes
from vaekit.priors.flow_prior import FlowPrior as FlowPrior
from vaekit.priors.gaussian_prior import GaussianPrior as GaussianPrior
from vaekit.priors.mixture_prior import MixturePrior as MixturePrior
from vaekit.priors.sphere_uniform import SphereUniform as SphereUniform
from vaekit.priors.standard_normal import StandardNormal as StandardNormal
from vaekit.priors.uniform_codes import UniformCodesPrior as UniformCodesPrior
from vaekit.priors.uniform_discrete import UniformBinary as UniformBinary
from vaekit.priors.uniform_discrete import UniformCategorical as UniformCategorical
from vaekit.priors.vae_prior import VAEPrior as VAEPrior
from vaekit.priors.vamp_prior import VampPrior as VampPrior
from vaekit.priors.wrapped_normal_prior import WrappedNormalPrior as WrappedNormalPrior
