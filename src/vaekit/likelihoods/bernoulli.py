"""Bernoulli: the likelihood of binary data, and the cross-entropy of grey images."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.distributions import Bernoulli as BernoulliDistribution
from torch.distributions import Independent

from vaekit.conditional import Likelihood
from vaekit.errors import UserError
from vaekit.nets.net import Head, Net, as_shape
from vaekit.schema import Schema


class Bernoulli(Likelihood):
    """p(x|z) of binary x; its negative log is the binary cross-entropy summed over the event. Kingma and Welling, 2014.

    For x between 0 and 1 the same formula is the expected log-likelihood of a binarization that draws each value with
    x as its probability. It is not a likelihood of the grey values themselves, and `is_likelihood_of` says so.

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
            BernoulliDistribution(logits=logits, validate_args=False),
            len(self.event_shape),
            validate_args=False,
        )

    def check(self, schema: Schema) -> None:
        if not schema.is_unit:
            raise UserError(
                f"Bernoulli gives probability to values in [0, 1]; {schema.name} has values in "
                f"[{schema.low:g}, {schema.high:g}]. Rescale or binarize the data, or use Gaussian."
            )

    def is_likelihood_of(self, schema: Schema) -> bool:
        return schema.is_binary
