"""diagonal: Gaussians with independent dimensions, from the numbers that networks put out."""

from __future__ import annotations

from torch import Tensor
from torch.distributions import Independent, Normal

# exp(logvar / 2) must neither vanish nor overflow in float32; trained models stay far inside.
LOGVAR_RANGE = (-30.0, 20.0)


def spread(logvar: Tensor) -> Tensor:
    """The standard deviations exp(logvar / 2), of the same shape."""
    return (logvar.clamp(*LOGVAR_RANGE) / 2).exp()


def diagonal(loc: Tensor, logvar: Tensor, num_dims: int = 1) -> Independent:
    """N(loc, diag(exp(logvar))).

    Args:
        loc, logvar: (*batch, *event).
        num_dims: how many trailing dimensions form one event.
    """
    return Independent(Normal(loc, spread(logvar), validate_args=False), num_dims, validate_args=False)
