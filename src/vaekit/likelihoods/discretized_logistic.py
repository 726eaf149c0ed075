"""DiscretizedLogistic: a likelihood of integer data whose levels have an order, such as grey values."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.distributions import Independent

from vaekit.conditional import Likelihood
from vaekit.distributions.discretized_logistic import DiscretizedLogistic as DiscretizedLogisticDistribution
from vaekit.likelihoods.grid import check_grid, check_levels, is_on_grid
from vaekit.likelihoods.scale import Scale
from vaekit.nets.net import Head, Net, as_shape
from vaekit.schema import Schema

# Smallest spread, in levels: it puts all but 1e-4 of the mass on one level, as a constant pixel deserves.
MIN_SPREAD = 0.05
# A network's first outputs are near 0; they mean a centre of 1/2 and this spread, which covers [0, 1].
START_SPREAD = 0.2


class DiscretizedLogistic(Likelihood):
    """p(x|z) of integer x: the mass of a logistic(mu(z), s(z)) in the bin of each grid value k / (levels - 1).

    Kingma et al., "Improved Variational Inference with Inverse Autoregressive Flow", 2016.

    Args:
        net: the decoder network, taking z.
        event_shape: shape of one x.
        levels: number of values that x can take.
        scale: s. "network", an output of the decoder, "learned", one weight for all dimensions, or "per_dimension".

    Raises:
        UserError: fewer than 2 levels, or an unknown scale.
    """

    def __init__(
        self, net: Net, event_shape: int | Sequence[int], *, levels: int = 256, scale: str = "network"
    ) -> None:
        super().__init__()
        self.net, self.levels = net, check_levels(levels)
        self.event_shape, self.context_shape, self.condition = (
            as_shape(event_shape),
            net.in_shape,
            net.condition,
        )
        self.scale = Scale(
            scale,
            self.event_shape,
            owner="DiscretizedLogistic",
            minimum=MIN_SPREAD / (levels - 1),
            start=START_SPREAD,
            takes_number=False,
        )
        self.head = Head(net.out_shape, self.event_shape, 1 + self.scale.num_params)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Independent:
        assert context is not None
        loc, *rest = self.head(self.net(context, condition))
        base = DiscretizedLogisticDistribution(loc + 0.5, self.scale(*rest), self.levels)
        return Independent(base, len(self.event_shape), validate_args=False)

    def check(self, schema: Schema) -> None:
        check_grid("DiscretizedLogistic", self.levels, schema)

    def is_likelihood_of(self, schema: Schema) -> bool:
        return is_on_grid(self.levels, schema)
