"""MIWAE: the mean of several importance-weighted bounds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor

from vaekit.errors import UserError
from vaekit.objectives.iwae import bound_loss, iwae_bound
from vaekit.objectives.objective import Loss, Objective
from vaekit.objectives.requirements import require_density

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.trace import Trace


class MIWAE(Objective):
    """1/M sum_m log 1/K sum_k p(x, z_mk) / q(z_mk|x): the mean of M bounds of K samples each.

    Rainforth et al., "Tighter Variational Bounds are Not Necessarily Better", 2018. M = 1 is IWAE, K = 1 the ELBO.

    Args:
        M: number of bounds that are averaged.
        K: samples of each bound.

    Raises:
        UserError: M or K below 1.
    """

    is_coupled = False

    def __init__(self, M: int = 4, K: int = 16) -> None:
        super().__init__()
        require_counts("MIWAE", M, K)
        self.M, self.K = M, K
        self.num_samples = M * K

    def check(self, model: Model) -> None:
        require_density(model, "MIWAE")

    def forward(self, trace: Trace) -> Loss:
        return bound_loss(trace, miwae_bound(trace.log_w, self.M, self.K))


def miwae_bound(log_w: Tensor, M: int, K: int) -> Tensor:
    """Mean over M of the K-sample bounds, (M * K, B) to (B,)."""
    return iwae_bound(grouped(log_w, M, K)).mean(0)


def grouped(log_w: Tensor, M: int, K: int) -> Tensor:
    """The samples of each bound along the first dimension, (M * K, B) to (K, M, B).

    Raises:
        UserError: another number of samples.
    """
    if len(log_w) != M * K:
        raise UserError(f"M={M} bounds of K={K} samples need {M * K} draws; the trace has {len(log_w)}.")
    return log_w.unflatten(0, (M, K)).transpose(0, 1)


def require_counts(who: str, M: int, K: int) -> None:
    """Refuse counts below 1.

    Raises:
        UserError: in one sentence.
    """
    if M < 1 or K < 1:
        raise UserError(f"{who} takes M and K of at least 1; M={M}, K={K} came.")
