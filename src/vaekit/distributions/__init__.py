"""Distributions that torch.distributions lacks."""

from vaekit.distributions.calibrated import Calibrated as Calibrated
from vaekit.distributions.chain import Chain as Chain
from vaekit.distributions.continuous_bernoulli import ContinuousBernoulli as ContinuousBernoulli
from vaekit.distributions.delta import Delta as Delta
from vaekit.distributions.detached import detached as detached
from vaekit.distributions.discretized_logistic import DiscretizedLogistic as DiscretizedLogistic
from vaekit.distributions.discretized_logistic_mixture import (
    DiscretizedLogisticMixture as DiscretizedLogisticMixture,
)
from vaekit.distributions.quantized import Quantized as Quantized
from vaekit.distributions.quantized import UniformCodes as UniformCodes
