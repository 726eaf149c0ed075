"""Capacity: the beta-VAE whose rate is held at a value that rises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vaekit.errors import UserError
from vaekit.objectives.objective import Loss, Objective, halves
from vaekit.objectives.requirements import require_density
from vaekit.objectives.schedules import Linear, Schedule

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.trace import Trace


class Capacity(Objective):
    """E_q[log p(x|z)] - gamma * |KL - C|. Burgess et al., "Understanding Disentangling in beta-VAE", 2018.

    KL is the mean over the batch.

    Args:
        capacity: C in nats, a number or a schedule; by default it rises to 25 over 100,000 steps, as in the paper.
        gamma: weight, a number or a schedule.

    Raises:
        UserError: a negative capacity or gamma.
    """

    def __init__(self, capacity: float | Schedule | None = None, *, gamma: float | Schedule = 1000.0) -> None:
        super().__init__()
        for value in (capacity, gamma):
            if isinstance(value, int | float) and value < 0:
                raise UserError(f"Capacity takes values of at least 0; {capacity} and gamma={gamma} came.")
        self.capacity = Linear(steps=100_000, end=25.0) if capacity is None else capacity
        self.gamma = gamma

    def check(self, model: Model) -> None:
        require_density(model, "Capacity")

    def forward(self, trace: Trace) -> Loss:
        distortion, rate, terms = halves(trace)
        gap = (rate.mean() - self.weight(self.capacity)).abs()
        total = distortion.mean() + self.weight(self.gamma) * gap
        if (penalty := trace.penalty) is not None:
            total, terms = total + penalty.mean(), terms | {"penalty": penalty}
        return Loss(total, terms)
