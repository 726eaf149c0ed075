"""vaekit: Variational Autoencoders by composition.

A VAE is three distributions, `q(z|x)`, `p(z)` and `p(x|z)`, and an objective that ties them. Names below are loaded
when first used, so importing vaekit is quick and does not import torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Where each public name lives. Adding a part adds its name to its folder's row.
_HOMES: dict[str, tuple[str, ...]] = {
    "vaekit.errors": ("UserError",),
    "vaekit.schema": ("Schema",),
    "vaekit.component": ("Component",),
    "vaekit.trace": ("Layer", "Trace"),
    "vaekit.nets": ("MLP", "Net"),
    "vaekit.posteriors": ("Deterministic", "DiagonalGaussian"),
    "vaekit.priors": ("GaussianPrior", "StandardNormal"),
    "vaekit.likelihoods": (
        "Bernoulli",
        "Categorical",
        "ContinuousBernoulli",
        "DiscretizedLogistic",
        "DiscretizedLogisticMixture",
        "Gaussian",
        "Laplace",
    ),
    "vaekit.model": ("VAE", "Model"),
    "vaekit.objectives": ("ELBO", "Cyclical", "Linear", "Loss", "Objective", "Reconstruction"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
__all__ = ["__version__", *_HOME_OF]  # noqa: PLE0604

if TYPE_CHECKING:
    from vaekit.component import Component as Component
    from vaekit.errors import UserError as UserError
    from vaekit.likelihoods import *  # noqa: F403
    from vaekit.model import VAE as VAE
    from vaekit.model import Model as Model
    from vaekit.nets import *  # noqa: F403
    from vaekit.objectives import *  # noqa: F403
    from vaekit.posteriors import *  # noqa: F403
    from vaekit.priors import *  # noqa: F403
    from vaekit.schema import Schema as Schema
    from vaekit.trace import Layer as Layer
    from vaekit.trace import Trace as Trace


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(importlib.import_module(_HOME_OF[name]), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'vaekit' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
