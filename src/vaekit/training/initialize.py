"""What parts set up from the training data, once, before the first step of a fresh training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaekit.data import Part
    from vaekit.model import Model

NUM_EXAMPLES = 2048
"""Random training examples that each part is shown, at most."""


def initialize(model: Model, part: Part) -> None:
    """Call `initialize(x)` of every part of the model that has it, with training examples (N, *event).

    A resumed training must not: its checkpoint already holds what became of it.
    """
    parts: list[Any] = [module for module in model.modules() if hasattr(module, "initialize")]
    if not parts:
        return
    x, _ = part.batch(part.order()[:NUM_EXAMPLES])
    for each in parts:
        each.initialize(x)
