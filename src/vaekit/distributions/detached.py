"""detached: a distribution whose parameters pass no gradient on; the gradient to the value at hand stays."""

from __future__ import annotations

from typing import Any

from torch.distributions import (
    Distribution,
    Independent,
    Laplace,
    LowRankMultivariateNormal,
    MultivariateNormal,
    Normal,
    StudentT,
)

from vaekit.errors import UserError

# Parameters that make each distribution again; a covariance comes by its Cholesky factor.
PARAMETERS: dict[type[Distribution], tuple[str, ...]] = {
    Normal: ("loc", "scale"),
    Laplace: ("loc", "scale"),
    StudentT: ("df", "loc", "scale"),
    MultivariateNormal: ("loc", "scale_tril"),
    LowRankMultivariateNormal: ("loc", "cov_factor", "cov_diag"),
}


def detached(distribution: Distribution) -> Distribution:
    """The same distribution with constant parameters: `log_prob(z)` has a gradient to z alone.

    Raises:
        UserError: a distribution whose parameters are not at hand.

    Example:
        >>> import torch
        >>> scale = torch.ones(3, requires_grad=True)
        >>> detached(Normal(0.0, scale)).log_prob(torch.zeros(3)).requires_grad
        False
    """
    if isinstance(distribution, Independent):
        base = detached(distribution.base_dist)
        return Independent(base, distribution.reinterpreted_batch_ndims, validate_args=False)
    names = PARAMETERS.get(type(distribution))
    if names is None:
        raise UserError(
            f"The parameters of a {type(distribution).__name__} cannot be held constant; "
            "use a Gaussian posterior, DiagonalGaussian for example."
        )
    values: dict[str, Any] = {name: getattr(distribution, name).detach() for name in names}
    return type(distribution)(**values, validate_args=False)
