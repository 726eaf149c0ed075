"""What parts set up from the training data, once, before the first step of a fresh training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from vaekit.training.ema import EMA

if TYPE_CHECKING:
    from vaekit.training.loop import Training

NUM_EXAMPLES = 2048
"""Random training examples that each part is shown, at most."""


def initialize(training: Training) -> None:
    """Call `initialize(x)` of every part of the model that has it, with training examples (N, *event).

    A resumed training must not: its checkpoint already holds what became of it.
    """
    parts: list[Any] = [module for module in training.model.modules() if hasattr(module, "initialize")]
    if not parts:
        return
    part = training.train_part
    x, _ = part.batch(part.order()[:NUM_EXAMPLES])
    for each in parts:
        each.initialize(x)
    training.ema = EMA(training.model, training.settings.ema)
