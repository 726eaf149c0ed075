"""Recipe: a composition and how to train it. Imports no torch."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vaekit.training.settings import Settings

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.objectives import Objective


@dataclass
class Recipe:
    """What a recipe function returns for a schema.

    Args:
        model: the composition.
        objective: what to train it on.
        settings: how to train it.
        prior: what `fit_prior` is called with when the model is trained, {"kind": "mixture"} for example; None to keep
            the prior that it was trained with.
        min_steps: small data gets more epochs than `settings` says, until this many steps are taken.
    """

    model: Model
    objective: Objective
    settings: Settings
    min_steps: int = 0
    prior: dict[str, Any] | None = None

    def settings_for(self, num_examples: int, **overrides: Any) -> Settings:
        """The settings for a training part of this size, with the user's own choices."""
        settings = self.settings.adapted(num_examples, overrides)
        if "batch_size" not in overrides:
            # Every epoch is validated and saved, so small data is better trained in a few steps an epoch than in one.
            settings = dataclasses.replace(settings, batch_size=min(settings.batch_size, max(32, num_examples // 8)))
        if "epochs" in overrides:
            return settings
        steps_per_epoch = math.ceil(num_examples / settings.batch_size)
        return dataclasses.replace(
            settings, epochs=max(settings.epochs, math.ceil(self.min_steps / steps_per_epoch))
        )
