"""The leapfrog integrator of Hamiltonian dynamics, as a sampler and as a layer to train through."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

LogDensity = Callable[[Tensor], Tensor]
"""z (C, B, *latent) to log f(z) (C, B): C chains for each of B examples."""


def gradient(log_density: LogDensity, z: Tensor, *, is_differentiable: bool = False) -> tuple[Tensor, Tensor]:
    """log f (C, B) and its gradient, shaped like z; either can be differentiated further where that is asked for."""
    with torch.enable_grad():
        if not is_differentiable or not z.requires_grad:
            z = z.detach().requires_grad_()
        value = log_density(z)
        (slope,) = torch.autograd.grad(value.sum(), z, create_graph=is_differentiable)
    return (value, slope) if is_differentiable else (value.detach(), slope)


def leapfrog(
    log_density: LogDensity,
    z: Tensor,
    momentum: Tensor,
    step_size: Tensor,
    num_leapfrog: int,
    *,
    factors: Sequence[Tensor] | None = None,
    is_differentiable: bool = False,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Reversible and volume-preserving whatever the step size. Neal, "MCMC using Hamiltonian Dynamics", 2011.

    Args:
        log_density: log f.
        z: positions (C, B, *latent).
        momentum: of the same shape.
        step_size: (B, 1), or anything that broadcasts against z.
        num_leapfrog: steps.
        factors: of each step, which its momentum is multiplied by at the end (tempering): the only change of volume,
            by factor ** D each.
        is_differentiable: keep what a gradient through the trajectory needs.

    Returns:
        The end's position and momentum, and log f at the start and at the end, (C, B).
    """
    start, slope = gradient(log_density, z, is_differentiable=is_differentiable)
    value = start
    for step in range(num_leapfrog):
        momentum = momentum + 0.5 * step_size * slope
        z = z + step_size * momentum
        value, slope = gradient(log_density, z, is_differentiable=is_differentiable)
        momentum = momentum + 0.5 * step_size * slope
        if factors is not None:
            momentum = factors[step] * momentum
    return z, momentum, start, value
