"""Schedules: a weight that changes as training goes on."""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

import torch
from torch import Tensor

from vaekit.component import Component
from vaekit.errors import UserError

Unit = Literal["epochs", "steps"]


class Schedule(Component):
    """Maps the training clock, a scalar in `unit`, to a weight."""

    unit: Unit = "epochs"
    """What the clock counts: passes over the training part, or steps of the optimizer."""

    @abstractmethod
    def forward(self, clock: Tensor) -> Tensor: ...


class Linear(Schedule):
    """From `start` to `end` in a straight line over so many epochs or steps, then constant: KL warm-up.

    Bowman et al., "Generating Sentences from a Continuous Space", 2016; Sonderby et al., 2016.

    Args:
        epochs, steps: how long it takes; one of the two.
        start, end: the weight before and after.

    Raises:
        UserError: both or none of epochs and steps, or a length that is not above 0.

    Example:
        >>> Linear(epochs=10)(torch.tensor(5.0))
        tensor(0.5000)
    """

    def __init__(
        self, *, epochs: float | None = None, steps: float | None = None, start: float = 0.0, end: float = 1.0
    ) -> None:
        super().__init__()
        length = steps if epochs is None else epochs
        if (epochs is None) == (steps is None) or length is None or length <= 0:
            raise UserError(f"Linear takes epochs or steps, above 0; epochs={epochs}, steps={steps} came.")
        self.unit = "steps" if epochs is None else "epochs"
        self.length, self.start, self.end = length, start, end

    def forward(self, clock: Tensor) -> Tensor:
        return self.start + (self.end - self.start) * (clock / self.length).clamp(0.0, 1.0)


class Cyclical(Schedule):
    """Restarts `Linear` every `period`; the rise takes the fraction `rise` of it.

    Fu et al., "Cyclical Annealing Schedule: A Simple Approach to Mitigating KL Vanishing", 2019.

    Args:
        period: length of one cycle.
        rise: share of the cycle in which the weight rises.
        start, end: the weight at the beginning of a cycle and after the rise.
        unit: what the period counts, "epochs" or "steps".

    Raises:
        UserError: an unknown unit, or a period or rise that is not above 0.

    Example:
        >>> Cyclical(period=10, rise=0.5)(torch.tensor(12.5))
        tensor(0.5000)
    """

    def __init__(
        self,
        *,
        period: float,
        rise: float = 0.5,
        start: float = 0.0,
        end: float = 1.0,
        unit: Unit = "epochs",
    ) -> None:
        super().__init__()
        if unit not in ("epochs", "steps") or period <= 0 or rise <= 0:
            raise UserError(
                'Cyclical takes a period and a rise above 0 and the unit "epochs" or "steps"; '
                f'period={period}, rise={rise}, unit="{unit}" came.'
            )
        self.unit = unit
        self.period, self.rise, self.start, self.end = period, rise, start, end

    def forward(self, clock: Tensor) -> Tensor:
        phase = torch.remainder(clock, self.period) / self.period
        return self.start + (self.end - self.start) * (phase / self.rise).clamp(0.0, 1.0)
