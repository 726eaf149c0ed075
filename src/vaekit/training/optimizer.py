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
    if settings.optimizer == "muon":  # an objective's own networks keep to Adam's step
        return Muon(parameters, matrices_of(model), weight_decay=settings.weight_decay)
    return Adam(parameters, weight_decay=settings.weight_decay, is_decoupled=settings.optimizer == "adamw")


def learning_rate(settings: Settings, step: int, num_steps: int) -> float:
    """The rate of a step: warm-up, then constant or a cosine down to 1 %."""
    rate = settings.learning_rate
    if settings.schedule == "cosine":
        rate *= 0.01 + 0.99 * (1 + math.cos(math.pi * step / max(1, num_steps))) / 2
    if step < settings.warmup_steps:
        rate *= (step + 1) / settings.warmup_steps
    return rate
