"""Likelihoods p(x|z)."""

from vaekit.likelihoods.bernoulli import Bernoulli as Bernoulli
from vaekit.likelihoods.categorical import Categorical as Categorical
from vaekit.likelihoods.columns import Columns as Columns
from vaekit.likelihoods.continuous_bernoulli import ContinuousBernoulli as ContinuousBernoulli
from vaekit.likelihoods.discretized_logistic import DiscretizedLogistic as DiscretizedLogistic
from vaekit.likelihoods.discretized_logistic_mixture import (
    DiscretizedLogisticMixture as DiscretizedLogisticMixture,
)
from vaekit.likelihoods.gaussian import Gaussian as Gaussian
from vaekit.likelihoods.laplace import Laplace as Laplace
from vaekit.likelihoods.log_spectral import LogSpectral as LogSpectral
from vaekit.likelihoods.natural import natural_likelihood as natural_likelihood
from vaekit.likelihoods.negative_binomial import NegativeBinomial as NegativeBinomial
from vaekit.likelihoods.poisson import Poisson as Poisson
from vaekit.likelihoods.student_t import StudentT as StudentT
