"""vaekit: Variational Autoencoders by composition.

A VAE is three distributions, `q(z|x)`, `p(z)` and `p(x|z)`, and an objective that ties them. Names below are loaded
when first used, so importing vaekit is quick and does not import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Names that do not need torch, and where they live.
_LIGHT = {
    "UserError": "vaekit.errors",
    "Schema": "vaekit.schema",
    "Settings": "vaekit.training.settings",
    "DataOptions": "vaekit.options",
    "Recipe": "vaekit.recipes",
    "Run": "vaekit.run",
}
# Rooms whose exports are public names of vaekit; a part is exported by its room and thereby here.
_ROOMS = (
    "vaekit.nets",
    "vaekit.posteriors",
    "vaekit.priors",
    "vaekit.likelihoods",
    "vaekit.objectives",
    "vaekit.model",
    "vaekit.hierarchical",
    "vaekit.ladder",
    "vaekit.lengths",
    "vaekit.semi_supervised",
    "vaekit.component",
    "vaekit.conditional",
    "vaekit.trace",
    "vaekit.weights",
    "vaekit.data",
    "vaekit.evaluation",
    "vaekit.synthesis",
    "vaekit.imputation",
    "vaekit.fitting",
    "vaekit.api",
    "vaekit.refitting",
)

if TYPE_CHECKING:
    from vaekit.api import *  # noqa: F403
    from vaekit.component import *  # noqa: F403
    from vaekit.conditional import *  # noqa: F403
    from vaekit.data import *  # noqa: F403
    from vaekit.errors import UserError as UserError
    from vaekit.evaluation import *  # noqa: F403
    from vaekit.fitting import *  # noqa: F403
    from vaekit.hierarchical import *  # noqa: F403
    from vaekit.imputation import *  # noqa: F403
    from vaekit.ladder import *  # noqa: F403
    from vaekit.lengths import *  # noqa: F403
    from vaekit.likelihoods import *  # noqa: F403
    from vaekit.model import *  # noqa: F403
    from vaekit.nets import *  # noqa: F403
    from vaekit.objectives import *  # noqa: F403
    from vaekit.options import DataOptions as DataOptions
    from vaekit.posteriors import *  # noqa: F403
    from vaekit.priors import *  # noqa: F403
    from vaekit.recipes import Recipe as Recipe
    from vaekit.refitting import *  # noqa: F403
    from vaekit.run import Run as Run
    from vaekit.schema import Schema as Schema
    from vaekit.semi_supervised import *  # noqa: F403
    from vaekit.synthesis import *  # noqa: F403
    from vaekit.trace import *  # noqa: F403
    from vaekit.training.settings import Settings as Settings
    from vaekit.weights import *  # noqa: F403


def __getattr__(name: str) -> Any:
    if name == "__all__":
        return _public_names()
    if name in _LIGHT:
        value = getattr(importlib.import_module(_LIGHT[name]), name)
    elif name.startswith("_"):
        raise AttributeError(f"module 'vaekit' has no attribute {name!r}")
    else:
        for room in _ROOMS:
            module = importlib.import_module(room)
            if name in _exports(module):
                value = getattr(module, name)
                break
        else:
            raise AttributeError(f"module 'vaekit' has no attribute {name!r}")
    globals()[name] = value
    return value


def _exports(module: Any) -> list[str]:
    """What a room makes public: its `__all__`, or everything of vaekit's own in its namespace."""
    if hasattr(module, "__all__"):
        return list(module.__all__)
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and callable(value)
        and getattr(value, "__module__", "").startswith("vaekit.")
    ]


def _public_names() -> list[str]:
    rooms = [importlib.import_module(room) for room in _ROOMS]
    return sorted({"__version__", *_LIGHT, *(name for room in rooms for name in _exports(room))})


def __dir__() -> list[str]:
    return _public_names()
