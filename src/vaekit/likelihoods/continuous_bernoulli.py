"""ContinuousBernoulli: a likelihood of continuous values in [0, 1]."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.distributions import Independent

from vaekit.conditional import Likelihood
from vaekit.distributions.continuous_bernoulli import ContinuousBernoulli as ContinuousBernoulliDistribution
from vaekit.errors import UserError
from vaekit.nets.net import Head, Net, as_shape
from vaekit.schema import Schema


class ContinuousBernoulli(Likelihood):
    """p(x|z) of x in [0, 1]: the Bernoulli formula with the normalizer that makes it a density.

    Loaiza-Ganem and Cunningham, "The Continuous Bernoulli: Fixing a Pervasive Error in Variational Autoencoders", 2019.

    Args:
        net: the decoder network, taking z.
        event_shape: shape of one x.
    """

    def __init__(self, net: Net, event_shape: int | Sequence[int]) -> None:
        super().__init__()
        self.net = net
        self.event_shape, self.context_shape, self.condition = (
            as_shape(event_shape),
            net.in_shape,
            net.condition,
        )
        self.head = Head(net.out_shape, self.event_shape, 1)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Independent:
        assert context is not None
        (logits,) = self.head(self.net(context, condition))
        return Independent(
            ContinuousBernoulliDistribution(logits), len(self.event_shape), validate_args=False
        )

    def check(self, schema: Schema) -> None:
        if not schema.is_unit:
            raise UserError(
                f"ContinuousBernoulli gives density to values in [0, 1]; {schema.name} has values in "
                f"[{schema.low:g}, {schema.high:g}]. Rescale the data, or use Gaussian."
            )

    def is_likelihood_of(self, schema: Schema) -> bool:
        """Of continuous data; a density at the grid points of integer data can be raised at will."""
        return schema.levels is None and schema.is_unit
