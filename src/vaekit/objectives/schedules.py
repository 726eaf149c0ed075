"""Schedules: a weight that changes as training goes on."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from vaekit.component import Component


class Schedule(Component):
    """Maps the training clock, a scalar in epochs, to a weight."""

    @abstractmethod
    def forward(self, epoch: Tensor) -> Tensor: ...


class Linear(Schedule):
    """From `start` to `end` in a straight line over `epochs`, then constant: KL warm-up.

    Bowman et al., "Generating Sentences from a Continuous Space", 2016; Sonderby et al., 2016.

    Example:
        >>> Linear(epochs=10)(torch.tensor(5.0))
        tensor(0.5000)
    """

    def __init__(self, *, epochs: float, start: float = 0.0, end: float = 1.0) -> None:
        super().__init__()
        self.epochs, self.start, self.end = epochs, start, end

    def forward(self, epoch: Tensor) -> Tensor:
        return self.start + (self.end - self.start) * (epoch / self.epochs).clamp(0.0, 1.0)


class Cyclical(Schedule):
    """Restarts `Linear` every `period` epochs; the rise takes the fraction `rise` of it.

    Fu et al., "Cyclical Annealing Schedule: A Simple Approach to Mitigating KL Vanishing", 2019.

    Example:
        >>> Cyclical(period=10, rise=0.5)(torch.tensor(12.5))
        tensor(0.5000)
    """

    def __init__(self, *, period: float, rise: float = 0.5, start: float = 0.0, end: float = 1.0) -> None:
        super().__init__()
        self.period, self.rise, self.start, self.end = period, rise, start, end

    def forward(self, epoch: Tensor) -> Tensor:
        phase = torch.remainder(epoch, self.period) / self.period
        return self.start + (self.end - self.start) * (phase / self.rise).clamp(0.0, 1.0)
