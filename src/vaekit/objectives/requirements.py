"""What objectives ask of a model; each is refused in one sentence that says what to use instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.distributions import Independent, Normal

from vaekit.errors import UserError

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.trace import Layer, Trace


def blank_trace(model: Model) -> Trace:
    """A pass over two examples of zeros, which shows what distributions a model is made of; it leaves no trace."""
    like = next(model.parameters())
    x = torch.zeros(2, *model.likelihood.event_shape, device=like.device, dtype=like.dtype)
    y = torch.zeros(2, model.condition, device=like.device, dtype=like.dtype) if model.condition else None
    was_training = model.training
    devices = [like.device] if like.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        try:
            return model.eval().trace(x, y)
        finally:
            model.train(was_training)


def require_density(model: Model, who: str) -> None:
    """Refuse a deterministic posterior.

    Raises:
        UserError: in one sentence.
    """
    if not model.is_density:
        raise UserError(
            f"{who} needs a posterior with a density, and this model's is deterministic; "
            "use DiagonalGaussian, or the objective Reconstruction, WAE or RAE."
        )


def require_one_layer(model: Model, who: str) -> Layer:
    """The one latent layer of a model, or a refusal of several.

    Raises:
        UserError: in one sentence.
    """
    layers = blank_trace(model).layers
    if len(layers) != 1:
        raise UserError(
            f"{who} is for a model with one latent layer, and this one has {len(layers)}; use ELBO or IWAE."
        )
    return layers[0]


def require_vector(model: Model, who: str) -> Layer:
    """The one latent layer of a model whose z is a vector that varies continuously.

    Raises:
        UserError: in one sentence.
    """
    layer = require_one_layer(model, who)
    if layer.z.ndim != 3 or hasattr(layer.qz, "codes"):
        raise UserError(
            f"{who} compares vectors z of real numbers, and this model's z is a {layer.z.ndim - 2}-dimensional "
            "grid or made of codes; use a latent vector, DiagonalGaussian(net, latent=10) for example."
        )
    return layer


def require_factorized(model: Model, who: str) -> Layer:
    """The one latent layer of a model whose q(z|x) is Gaussian with independent dimensions.

    Raises:
        UserError: in one sentence.
    """
    require_density(model, who)
    layer = require_vector(model, who)
    if factors(layer) is None:
        raise UserError(
            f"{who} needs a q(z|x) with independent Gaussian dimensions, and this one is "
            f"{type(layer.qz).__name__}; use DiagonalGaussian."
        )
    return layer


def factors(layer: Layer) -> Normal | None:
    """The Normals (B, D) of a factorized Gaussian posterior over vectors, None for any other."""
    q = layer.qz
    if isinstance(q, Independent) and isinstance(q.base_dist, Normal) and len(q.event_shape) == 1:
        return q.base_dist
    return None
