"""EMA: an exponential moving average of the weights, which generalizes better than the last ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from vaekit.ranks import own


class EMA:
    """Average of a module's parameters; buffers are not averaged. Polyak and Juditsky, 1992.

    Early on the decay is (1 + t) / (10 + t), so that the average leaves its random start quickly.

    Args:
        module: whose parameters are averaged.
        decay: share of the old average that each step keeps; 0 turns the average off.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.parameters = {name: p for name, p in module.named_parameters() if p.requires_grad}
        self.average = {name: p.detach().clone() for name, p in self.parameters.items()} if decay else {}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the parameters after `step` steps."""
        if self.decay:
            decay = min(self.decay, (1 + step) / (10 + step))
            averages = [own(value) for value in self.average.values()]
            torch._foreach_lerp_(averages, [own(p.detach()) for p in self.parameters.values()], 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within it, the module holds the average."""
        if not self.decay:
            yield
            return
        with torch.no_grad():
            kept = {name: p.detach().clone() for name, p in self.parameters.items()}
            self._write(self.average)
        try:
            yield
        finally:
            with torch.no_grad():
                self._write(kept)

    def _write(self, values: dict[str, Tensor]) -> None:
        for name, p in self.parameters.items():
            p.copy_(values[name])
