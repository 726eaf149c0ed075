"""Scale: where the spread of a location-scale likelihood comes from."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.distributions import Distribution, Independent, Laplace, Normal

import vaekit.ranks as ranks
from vaekit.distributions.calibrated import Calibrated
from vaekit.errors import UserError, did_you_mean

# Smallest spread that a density may learn, in units of x. Without it, log p(x|z) of data that a decoder reproduces
# exactly has no upper bound; with it, one dimension gains at most 7 nats over unit spread.
MIN_SCALE = 1e-3
# Share of a new batch in the running error once enough batches were seen; a memory of about 100 batches.
RUNNING_SHARE = 0.01


class Scale(nn.Module):
    """A positive spread: fixed, one weight, one weight a dimension, or an output of the network.

    Args:
        kind: the fixed value, "learned", "per_dimension" or "network".
        event_shape: shape of one x.
        minimum: smallest value that a spread which is not fixed can take.
        start: value at the start of training.
        owner: name of the likelihood, for messages.
        others: further kinds that the likelihood takes care of itself.

    Raises:
        UserError: an unknown kind, or a fixed value that is not above 0.
    """

    value: Tensor

    def __init__(
        self,
        kind: float | str,
        event_shape: tuple[int, ...],
        *,
        owner: str,
        minimum: float = MIN_SCALE,
        start: float = 1.0,
        takes_number: bool = True,
        others: tuple[str, ...] = (),
    ) -> None:
        super().__init__()
        check_kind(kind, owner, takes_number, others)
        self.minimum, self.offset = minimum, math.log(math.expm1(start))  # softplus(offset) = start
        self.num_params = int(kind == "network")
        self.is_fixed = not isinstance(kind, str)
        if not isinstance(kind, str):
            self.register_buffer("value", torch.tensor(float(kind)), persistent=False)
        elif kind in ("learned", "per_dimension"):
            self.weight = nn.Parameter(torch.zeros(event_shape if kind == "per_dimension" else ()))

    def forward(self, *params: Tensor) -> Tensor:
        """The spread, broadcastable to (..., *event); `params` is the network's output where `num_params` is 1."""
        if self.is_fixed:
            return self.value
        (raw,) = params or (self.weight,)
        # softplus, not exp: an outlier of the network's output cannot overflow the spread.
        return self.minimum + F.softplus(raw + self.offset)


class FittedScale(nn.Module):
    """The best spread for a batch in closed form, sigma = (mean |x - loc|^p)^(1/p), and its running mean.

    Rybkin, Daniilidis and Levine, "Simple and Effective VAE Training with Calibrated Decoders", 2021. The batch's own
    errors set the spread in training; in evaluation the running mean does, so that held-out data cannot set its own.

    Args:
        power: p, 2 for a Gaussian, 1 for a Laplace.
    """

    error: Tensor
    num_batches: Tensor

    def __init__(self, power: int) -> None:
        super().__init__()
        self.power, self.num_params = power, 0
        self.register_buffer("error", torch.ones(()))
        self.register_buffer("num_batches", torch.zeros(()))

    def forward(self) -> Tensor:
        """The running spread, a scalar."""
        return self._spread(self.error)

    @torch.no_grad()
    def fit(self, errors: Tensor) -> Tensor:
        """The spread of a batch of errors x - loc, (K, B, *event), a scalar; the running mean takes them in.

        The spread carries no gradient: at its optimum the log-likelihood's slope in it is 0, so the network's gradient
        is that of the paper's -N/2 log(mean squared error) all the same.
        """
        error = ranks.mean(errors.abs().pow(self.power))
        self.num_batches += 1
        share = (1 / self.num_batches).clamp(min=RUNNING_SHARE)  # a plain mean at first
        self.error.lerp_(error.to(self.error.dtype), share)
        return self._spread(error)

    def _spread(self, error: Tensor) -> Tensor:
        return error.pow(1 / self.power).clamp(min=MIN_SCALE)


def scale_of(kind: float | str, event_shape: tuple[int, ...], *, owner: str, power: int) -> Scale | FittedScale:
    """The spread of a location-scale likelihood: a kind of `Scale`, or "optimal", a `FittedScale` of this power."""
    if kind == "optimal":
        return FittedScale(power)
    return Scale(kind, event_shape, owner=owner, others=("optimal",))


def around(
    family: type[Normal] | type[Laplace],
    loc: Tensor,
    params: Sequence[Tensor],
    scale: Scale | FittedScale,
    event_dim: int,
) -> Distribution:
    """family(loc, spread) over events; a fitted spread is that of the batch which is asked about while one trains.

    Args:
        family: of the density.
        loc: (*batch, *event).
        params: the network's output for the spread, where there is one.
        scale: where the spread comes from.
        event_dim: how many trailing dimensions of `loc` form one event.
    """
    spread = scale(*params)
    # Without gradients nothing is being trained, and a likelihood is being measured.
    if isinstance(scale, FittedScale) and scale.training and torch.is_grad_enabled():
        return Calibrated(family, loc, spread, scale.fit, event_dim)
    return Independent(family(loc, spread, validate_args=False), event_dim, validate_args=False)


def check_kind(kind: float | str, owner: str, takes_number: bool, others: tuple[str, ...]) -> None:
    """Refuse a `scale` that means nothing.

    Raises:
        UserError: an unknown name, or a number that is not above 0.
    """
    kinds = ["learned", "per_dimension", "network", *others]
    if isinstance(kind, str):
        if kind not in kinds:
            number = " It also takes a number above 0." if takes_number else ""
            raise UserError(f'{owner} has no scale "{kind}". {did_you_mean(kind, kinds)}{number}')
    elif isinstance(kind, bool) or not takes_number or not 0 < kind < math.inf:
        wanted = ", ".join(f'"{k}"' for k in kinds)
        raise UserError(
            f"{owner} takes scale {'a number above 0 or ' if takes_number else ''}{wanted}; {kind} came."
        )
