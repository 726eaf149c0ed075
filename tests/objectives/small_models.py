"""A model small enough that its bounds and their gradients are known by other means."""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit import MLP, VAE, DiagonalGaussian, Gaussian, Layer, StandardNormal, Trace


def small_model(num_dims: int = 4, latent: int = 2, *, scale: float = 0.7) -> VAE:
    """Nonlinear both ways, in float64."""
    torch.manual_seed(3)
    return VAE(
        DiagonalGaussian(MLP(num_dims, 5, activation="tanh"), latent),
        StandardNormal(latent),
        Gaussian(MLP(latent, 5, activation="tanh"), num_dims, scale=scale),
    ).double()


def trace_at(model: VAE, x: Tensor, noise: Tensor) -> Trace:
    """A pass whose draws are made of this noise, (K, B, D), so that two passes see the same draws."""
    qz, pz = model.posterior(x), model.prior(None)
    z = qz.base_dist.loc + qz.base_dist.scale * noise
    return Trace(x, [Layer(z, qz, pz)], model.likelihood(z))


def gradients(model: VAE, total: Tensor) -> dict[str, Tensor]:
    """The gradient to q's weights and to p's, each as one vector."""
    found = {}
    for name, part in (("q", model.posterior), ("p", model.likelihood)):
        parameters = [p for p in part.parameters() if p.requires_grad]
        grads = torch.autograd.grad(total, parameters, retain_graph=True, materialize_grads=True)
        found[name] = torch.cat([g.flatten() for g in grads])
    return found
