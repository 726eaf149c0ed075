"""natural_likelihood: the distribution that fits a kind of data, where nothing else is asked for."""

from __future__ import annotations

from vaekit.conditional import Likelihood
from vaekit.likelihoods.bernoulli import Bernoulli
from vaekit.likelihoods.discretized_logistic import DiscretizedLogistic
from vaekit.likelihoods.gaussian import Gaussian
from vaekit.nets.net import Net
from vaekit.schema import Schema


def natural_likelihood(net: Net, schema: Schema) -> Likelihood:
    """Bernoulli for binary data, a discretized logistic for integer levels, a calibrated Gaussian for the rest.

    Each is a true likelihood of its data, with one spread for all values, so that details are paid for in the latent
    code and not explained away as noise.

    Args:
        net: the decoder network, taking z.
        schema: what the data is.
    """
    if schema.is_binary:
        return Bernoulli(net, schema.shape)
    if schema.levels is not None and schema.is_unit:
        return DiscretizedLogistic(net, schema.shape, levels=schema.levels, scale="learned")
    return Gaussian(net, schema.shape, scale="optimal")
