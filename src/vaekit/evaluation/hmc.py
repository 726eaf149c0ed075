"""Hamiltonian Monte Carlo: a step that leaves a density as it is, from its gradient."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

LogDensity = Callable[[Tensor], Tensor]
"""z (C, B, D) to log f(z) (C, B): C chains for each of B examples."""


def gradient(log_density: LogDensity, z: Tensor) -> tuple[Tensor, Tensor]:
    """log f (C, B) and its gradient (C, B, D)."""
    with torch.enable_grad():
        z = z.detach().requires_grad_()
        value = log_density(z)
        (slope,) = torch.autograd.grad(value.sum(), z)
    return value.detach(), slope


def leapfrog(
    log_density: LogDensity, z: Tensor, momentum: Tensor, step_size: Tensor, num_leapfrog: int
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The leapfrog integrator: reversible and volume-preserving whatever the step size. Neal, 2011.

    Args:
        log_density: log f.
        z: positions (C, B, D).
        momentum: (C, B, D).
        step_size: (B, 1), or anything that broadcasts against z.
        num_leapfrog: steps.

    Returns:
        The end's position and momentum, and log f at the start and at the end, (C, B).
    """
    start, slope = gradient(log_density, z)
    value = start
    for _ in range(num_leapfrog):
        momentum = momentum + 0.5 * step_size * slope
        z = z + step_size * momentum
        value, slope = gradient(log_density, z)
        momentum = momentum + 0.5 * step_size * slope
    return z, momentum, start, value


def hmc_step(
    log_density: LogDensity, z: Tensor, step_size: Tensor, num_leapfrog: int
) -> tuple[Tensor, Tensor]:
    """One Metropolis-corrected trajectory with fresh normal momentum. Duane et al., "Hybrid Monte Carlo", 1987.

    Args:
        log_density: log f, up to a constant.
        z: positions (C, B, D).
        step_size: (B, 1).
        num_leapfrog: leapfrog steps of the trajectory.

    Returns:
        The new positions, and each trajectory's probability of acceptance, (C, B).
    """
    momentum = torch.randn_like(z)
    end, final, start_value, end_value = leapfrog(log_density, z, momentum, step_size, num_leapfrog)
    kinetic = 0.5 * (momentum.square().sum(-1) - final.square().sum(-1))
    # A trajectory that diverges has log f = -inf or NaN, and is rejected.
    accept = (end_value - start_value + kinetic).nan_to_num(-torch.inf, posinf=-torch.inf).clamp(max=0).exp()
    moved = torch.rand_like(accept) < accept
    return torch.where(moved.unsqueeze(-1), end, z), accept
