"""SpikeGuard: steps whose gradient is far larger than usual are skipped, but not for ever."""

from __future__ import annotations

import torch
from torch import Tensor

WARM_UP = 100  # steps before the usual norm is trusted
MAX_IN_ROW = 20  # after as many skipped steps in a row, the large gradient is the new usual and is taken


class SpikeGuard:
    """Skips a step whose gradient norm exceeds `factor` times its running mean. Child, "Very Deep VAEs", 2021.

    There, one threshold is fixed by hand, and a run whose gradients grow past it never moves again. Here the mean
    follows, and a row of skipped steps ends by itself. Nothing is read from the device.

    Args:
        factor: how many times the running mean; None never skips.
        device: of the gradients.
    """

    def __init__(self, factor: float | None, device: torch.device) -> None:
        self.factor = factor
        self.state: dict[str, Tensor] = {}
        if factor is not None:
            names = ("mean", "seen", "in_row", "skipped")
            self.state = {name: torch.zeros((), device=device) for name in names}

    def judge(self, norm: Tensor) -> Tensor | None:
        """1 to skip this step, 0 to take it, as an optimizer's `found_inf` wants it; None where nothing is guarded."""
        if self.factor is None:
            return None
        state, limit = self.state, self.factor * self.state["mean"]
        is_trusted = (state["seen"] >= WARM_UP) & (state["in_row"] < MAX_IN_ROW)
        spike = (is_trusted & ~(norm <= limit)).float()  # a NaN is not below any limit
        # Within the guard a spike counts as its limit, so the mean can still climb after a true change of scale.
        counted = torch.where(spike.bool(), limit, norm)
        share = torch.clamp(1 / (state["seen"] + 1), min=0.01)
        state["mean"].lerp_(counted, share)
        state["seen"].add_(1)
        state["in_row"].copy_((state["in_row"] + 1) * spike)
        state["skipped"].add_(spike)
        return spike
