"""PIWAE: one bound for the generative weights, another for the inference weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from vaekit.distributions.detached import detached
from vaekit.objectives.iwae import bound_loss, iwae_bound, like
from vaekit.objectives.miwae import grouped, miwae_bound, require_counts
from vaekit.objectives.objective import Loss, Objective
from vaekit.objectives.requirements import require_density, require_one_layer

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.trace import Trace

# A sample's share of the whole may underflow where its share of its group does not. It is kept at least this part of
# the latter: far below the rounding of the sums that it enters, far above the smallest float32.
SMALLEST_SHARE = 1e-20


class PIWAE(Objective):
    """p's weights follow IWAE with M * K samples, q's weights MIWAE(M, K) on the same samples.

    Rainforth et al., "Tighter Variational Bounds are Not Necessarily Better", 2018: a tight bound teaches p best,
    and its gradient to q drowns in noise. The logged `bound` is that of M * K samples.

    Args:
        M: number of bounds that are averaged for the posterior.
        K: samples of each of them.

    Raises:
        UserError: M or K below 1.
    """

    is_coupled = False

    def __init__(self, M: int = 8, K: int = 8) -> None:
        super().__init__()
        require_counts("PIWAE", M, K)
        self.M, self.K = M, K
        self.num_samples = M * K

    def check(self, model: Model) -> None:
        require_density(model, "PIWAE")
        detached(require_one_layer(model, "PIWAE").qz)

    def forward(self, trace: Trace) -> Loss:
        (layer,) = trace.layers
        log_p = trace.log_px + layer.log_pz
        log_q = layer.qz.log_prob(layer.z.detach())
        log_w = (log_p - log_q).detach()
        # Both bounds are sums of shares times d log w: a for p, over all samples; b for q, within each group.
        b = grouped(log_w, self.M, self.K).softmax(0).transpose(0, 1).flatten(0, 1) / self.M
        a = log_w.softmax(0).clamp(min=SMALLEST_SHARE * b)
        # One pass back through p brings shares a to its weights and to z; q's weights behind z need b.
        ratio = b / a.clamp(min=torch.finfo(a.dtype).tiny)
        if layer.z.requires_grad:
            layer.z.register_hook(lambda gradient: gradient * like(ratio, gradient))
        through_z = a * (log_p - detached(layer.qz).log_prob(layer.z))
        surrogate = -(through_z - b * log_q).sum(0).mean()
        loss = bound_loss(trace, iwae_bound(log_w), surrogate)
        loss.terms["bound_q"] = miwae_bound(log_w, self.M, self.K)
        return loss
