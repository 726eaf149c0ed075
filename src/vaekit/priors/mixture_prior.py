"""MixturePrior: a mixture of Gaussians, learned with the model or fitted to its codes afterwards."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from vaekit.conditional import Prior
from vaekit.distributions.diagonal import spread
from vaekit.distributions.mixture import Mixture
from vaekit.distributions.shaped import shaped
from vaekit.errors import UserError, did_you_mean
from vaekit.nets.net import as_shape

COVARIANCES = ("diagonal", "full")
# Components start apart, or all of them would get the same gradient for ever; near enough for each to matter.
START_SPREAD = 0.5


class MixturePrior(Prior):
    """p(z) = sum_k w_k N(mu_k, Sigma_k). Dilokthanakul et al., "Deep Unsupervised Clustering with Gaussian Mixture
    Variational Autoencoders", 2016; fitted after training: Ghosh et al., "From Variational to Deterministic
    Autoencoders", 2020.

    Args:
        latent: number of latent dimensions D, or the shape of z.
        num_components: number of Gaussians C.
        covariance: "diagonal" or "full".
        condition: number of classes, each with a mixture of its own; 0 for one mixture.

    Raises:
        UserError: a size below 1, or an unknown covariance.

    Example:
        >>> MixturePrior(2, 10)(None).sample((5,)).shape
        torch.Size([5, 2])
    """

    def __init__(
        self,
        latent: int | Sequence[int],
        num_components: int = 10,
        *,
        covariance: str = "diagonal",
        condition: int = 0,
    ) -> None:
        super().__init__()
        if covariance not in COVARIANCES:
            raise UserError(
                f'MixturePrior has no covariance "{covariance}". {did_you_mean(covariance, COVARIANCES)}'
            )
        if num_components < 1:
            raise UserError(f"MixturePrior takes num_components of at least 1; {num_components} came.")
        self.event_shape, self.condition, self.covariance = as_shape(latent), condition, covariance
        D, shape = math.prod(self.event_shape), (max(condition, 1), num_components)
        self.logits = nn.Parameter(torch.zeros(shape))
        self.loc = nn.Parameter(START_SPREAD * torch.randn(*shape, D))
        self.logvar = nn.Parameter(torch.zeros(*shape, D))
        if covariance == "full":
            # Sigma = A A^T, A = (1 + strictly lower part of `mixing`) diag(exp(logvar / 2)).
            self.mixing = nn.Parameter(torch.zeros(*shape, D, D))

    def forward(self, context: Tensor | None = None, condition: Tensor | None = None) -> Distribution:
        logits: Tensor = self.logits
        loc: Tensor = self.loc
        scale = spread(self.logvar)
        mixing: Tensor | None = self.mixing if self.covariance == "full" else None
        if self.condition:
            if condition is None:
                raise UserError(f"MixturePrior was built for {self.condition} classes; no class came.")
            logits, loc, scale = (_of_class(condition, table) for table in (logits, loc, scale))
            mixing = None if mixing is None else _of_class(condition, mixing)
        else:
            logits, loc, scale = logits[0], loc[0], scale[0]
            mixing = None if mixing is None else mixing[0]

        def gaussians(loc: Tensor, scale: Tensor, mixing: Tensor | None) -> Distribution:
            if mixing is None:
                return Independent(Normal(loc, scale, validate_args=False), 1, validate_args=False)
            tril = (mixing.tril(-1) * scale.unsqueeze(-2)) + torch.diag_embed(scale)
            return MultivariateNormal(loc, scale_tril=tril, validate_args=False)

        def pick(index: Tensor) -> Distribution:
            num_batch = logits.ndim - 1
            tables = (loc, scale) if mixing is None else (loc, scale, mixing)
            at = [_component(table, index, num_batch) for table in tables]
            return gaussians(at[0], at[1], at[2] if len(at) > 2 else None)

        return shaped(Mixture(logits, gaussians(loc, scale, mixing), pick), self.event_shape)

    @torch.no_grad()
    def set_components(self, weights: Tensor, loc: Tensor, covariance: Tensor, *, label: int = 0) -> None:
        """Take over a mixture that was fitted elsewhere.

        Args:
            weights: (C,), summing to 1.
            loc: (C, D).
            covariance: (C, D) variances, or (C, D, D).
            label: the class whose mixture this is.
        """
        self.logits[label] = weights.log().to(self.logits)
        self.loc[label] = loc.to(self.loc)
        if self.covariance == "diagonal":
            self.logvar[label] = covariance.log().to(self.logvar)
            return
        tril = torch.linalg.cholesky(covariance)
        scale = tril.diagonal(dim1=-2, dim2=-1)
        self.logvar[label] = 2 * scale.log().to(self.logvar)
        self.mixing[label] = (tril / scale.unsqueeze(-2)).tril(-1).to(self.mixing)


def _of_class(condition: Tensor, table: Tensor) -> Tensor:
    """Rows of a table (F, *rest) for one-hot features (..., F): (..., *rest)."""
    return torch.tensordot(condition.to(table.dtype), table, 1)


def _component(table: Tensor, index: Tensor, num_batch: int) -> Tensor:
    """Entries (*sample, *batch, *rest) of a table (*batch, C, *rest) for component indices (*sample, *batch)."""
    batch = [
        torch.arange(n, device=index.device).reshape(-1, *(1 for _ in range(num_batch - i - 1)))
        for i, n in enumerate(table.shape[:num_batch])
    ]
    return table[(*batch, index)]
