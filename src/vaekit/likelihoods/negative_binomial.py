"""NegativeBinomial: the likelihood of counts that vary more than a Poisson's."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor
from torch.distributions import Independent
from torch.distributions import NegativeBinomial as NegativeBinomialDistribution

from vaekit.conditional import Likelihood
from vaekit.distributions.counts import Counts
from vaekit.likelihoods.grid import check_grid, check_levels, is_on_grid
from vaekit.likelihoods.poisson import rate_of
from vaekit.likelihoods.scale import Scale
from vaekit.nets.net import Head, Net, as_shape
from vaekit.schema import Schema

# Smallest shape r: the variance of a count of mean m is then at most m + 20 m^2.
MIN_SHAPE = 0.05


class NegativeBinomial(Likelihood):
    """p(x|z) of counts n = 0, 1, 2, ..., with mean m(z) and variance m + m^2 / r. Lopez et al., "Deep Generative
    Modeling for Single-cell Transcriptomics", 2018.

    Args:
        net: the decoder network, taking z.
        event_shape: shape of one x.
        levels: number of levels of the data; a count n is x = n / (levels - 1).
        shape: r. A number fixes it, "learned" is one weight for all dimensions, "per_dimension" one weight each,
            "network" an output of the decoder.

    Raises:
        UserError: fewer than 2 levels, or an unknown shape.
    """

    def __init__(
        self,
        net: Net,
        event_shape: int | Sequence[int],
        *,
        levels: int = 256,
        shape: float | str = "per_dimension",
    ) -> None:
        super().__init__()
        self.net, self.levels = net, check_levels(levels)
        self.event_shape, self.context_shape, self.condition = (
            as_shape(event_shape),
            net.in_shape,
            net.condition,
        )
        self.scale = Scale(shape, self.event_shape, owner="NegativeBinomial", minimum=MIN_SHAPE)
        self.head = Head(net.out_shape, self.event_shape, 1 + self.scale.num_params)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Independent:
        assert context is not None
        raw, *rest = self.head(self.net(context, condition))
        mean, shape = rate_of(raw), self.scale(*rest)
        # torch counts successes of odds m / r.
        base = NegativeBinomialDistribution(shape, logits=mean.log() - shape.log(), validate_args=False)
        return Independent(Counts(base, self.levels), len(self.event_shape), validate_args=False)

    def check(self, schema: Schema) -> None:
        check_grid("NegativeBinomial", self.levels, schema)

    def is_likelihood_of(self, schema: Schema) -> bool:
        return is_on_grid(self.levels, schema)
