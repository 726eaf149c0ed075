"""The optimizer and its learning rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from vaekit.training.adam import Adam
from vaekit.training.muon import Muon, matrices_of
from vaekit.training.settings import Settings

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.objectives import Objective


def make_optimizer(model: Model, objective: Objective, settings: Settings) -> Adam:
    """One optimizer for the model's weights and those that the objective may have of its own."""
    rate = settings.learning_rate
    # Single numbers are never in shards, and an optimizer's step takes weights of one kind at a time.
    kinds = (True, False) if settings.shard else (None,)
    groups = [
        {
            "params": [p for p in module.parameters() if p.requires_grad and is_single in (None, not p.ndim)],
            "lr": rate * scale,
            "scale": scale,
        }
        for module, scale in ((model, 1.0), (objective, objective.lr_scale))
        for is_single in kinds
    ]
    parameters = [group for group in groups if group["params"]]
    shared: dict[str, float] = {"weight_decay": settings.weight_decay, "beta2": settings.adam_beta2}
    if settings.optimizer == "muon":  # an objective's own networks keep to Adam's step
        return Muon(parameters, matrices_of(model), **shared)
    return Adam(parameters, is_decoupled=settings.optimizer == "adamw", **shared)


def learning_rate(settings: Settings, step: int, num_steps: int) -> float:
    """The rate of a step: warm-up, then constant, or down to 1 % along a cosine or a straight line."""
    rate, share = settings.learning_rate, step / max(1, num_steps)
    if settings.schedule == "cosine":
        rate *= 0.01 + 0.99 * (1 + math.cos(math.pi * share)) / 2
    elif settings.schedule == "linear":
        rate *= 1 - 0.99 * share
    if step < settings.warmup_steps:
        rate *= (step + 1) / settings.warmup_steps
    return rate
