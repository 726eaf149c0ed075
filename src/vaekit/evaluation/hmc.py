"""Hamiltonian Monte Carlo: a step that leaves a density as it is, from its gradient."""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.distributions.leapfrog import LogDensity, leapfrog


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
