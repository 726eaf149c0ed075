"""StudentT: the likelihood of continuous data with gross outliers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Independent
from torch.distributions import StudentT as StudentTDistribution

from vaekit.conditional import Likelihood
from vaekit.errors import UserError
from vaekit.likelihoods.scale import Scale
from vaekit.nets.net import Head, Net, as_shape
from vaekit.schema import Schema

MIN_DF = 2.0
"""Learned degrees of freedom stay above it, so that the variance is finite."""


class StudentT(Likelihood):
    """p(x|z) = Student-t(mu(z), sigma, df), independent for each element of x; small df, heavy tails. Takahashi et al.,
    "Student-t Variational Autoencoder for Robust Density Estimation", 2018.

    Args:
        net: the decoder network, taking z.
        event_shape: shape of one x.
        df: degrees of freedom, a number above 0, or "learned", one weight for all dimensions.
        scale: sigma. A number fixes it, "learned" is one weight for all dimensions, "per_dimension" one weight each,
            "network" an output of the decoder.

    Raises:
        UserError: a df or scale that is neither above 0 nor one of the names.
    """

    def __init__(
        self,
        net: Net,
        event_shape: int | Sequence[int],
        *,
        df: float | str = 5.0,
        scale: float | str = "learned",
    ) -> None:
        super().__init__()
        if (isinstance(df, str) and df != "learned") or (not isinstance(df, str) and not 0 < df < math.inf):
            raise UserError(f'StudentT takes df above 0 or "learned"; {df!r} came.')
        self.net, self.df = net, df
        self.event_shape, self.context_shape, self.condition = (
            as_shape(event_shape),
            net.in_shape,
            net.condition,
        )
        self.scale = Scale(scale, self.event_shape, owner="StudentT")
        if df == "learned":
            self.raw_df = nn.Parameter(torch.tensor(3.0))
        self.head = Head(net.out_shape, self.event_shape, 1 + self.scale.num_params)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Independent:
        assert context is not None
        loc, *rest = self.head(self.net(context, condition))
        df = MIN_DF + F.softplus(self.raw_df) if isinstance(self.df, str) else loc.new_tensor(self.df)
        base = StudentTDistribution(df, loc, self.scale(*rest), validate_args=False)
        return Independent(base, len(self.event_shape), validate_args=False)

    def is_likelihood_of(self, schema: Schema) -> bool:
        """Of continuous data; a density at the grid points of integer data can be raised at will."""
        return schema.levels is None
