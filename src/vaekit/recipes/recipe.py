"""Recipe: a composition and how to train it. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from vaekit.training.settings import Settings

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.objectives import Objective


@dataclass
class Recipe:
    """What a recipe function returns for a schema."""

    model: Model
    objective: Objective
    settings: Settings
