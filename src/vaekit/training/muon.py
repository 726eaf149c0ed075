"""Muon: the step of a matrix of weights goes equally far along each of its directions."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

from vaekit.training.adam import Adam
from vaekit.training.precision import has_bfloat16_units

MOMENTUM = 0.95
NUM_ROUNDS = 5
A, B, C = 3.4445, -4.7750, 2.0315
"""Of the polynomial A s + B s^3 + C s^5, which in a few rounds takes each singular value s of (0, 1] near to 1."""


class Muon(Adam):
    """Muon for the weights of linear layers and convolutions, AdamW for all others. Jordan et al., 2024.

    The gradient of a layer is dominated by few directions. Its momentum M = U S V^T is replaced by about U V^T, the
    steepest step where a step's length is its spectral norm, so the rare directions are learned as fast as the common
    ones. A step has the root mean square that Adam's usually has (Liu et al., 2025), so one rate serves both.

    Args:
        groups: as Adam takes them.
        matrices: the weights that take Muon's step, `matrices_of(model)`.
        weight_decay: times the rate, what a weight loses a step.
        beta2: AdamW's.
    """

    def __init__(
        self,
        groups: Iterable[dict[str, Any]],
        matrices: Iterable[nn.Parameter],
        *,
        weight_decay: float,
        beta2: float = 0.999,
    ) -> None:
        super().__init__(groups, weight_decay=weight_decay, is_decoupled=True, beta2=beta2)
        self.matrices = set(matrices)

    def _move(self, weights: list[nn.Parameter], rate: float) -> None:
        others = [p for p in weights if p not in self.matrices]
        if others:
            super()._move(others, rate)
        for p in weights:
            if p in self.matrices and p.grad is not None:
                self._turn(p, p.grad, rate)

    def _turn(self, weight: nn.Parameter, gradient: Tensor, rate: float) -> None:
        slot = self.state.get(weight) or self.state.setdefault(weight, {"momentum": torch.zeros_like(weight)})
        before = slot["momentum"]
        momentum = torch.lerp(before, gradient, 1 - MOMENTUM)
        ahead = torch.lerp(gradient, momentum, MOMENTUM)  # Nesterov's
        step = orthogonalized(ahead.flatten(1)).view_as(weight)
        longer = 0.2 * math.sqrt(max(len(weight), weight[0].numel()))
        moved = torch.add(weight * (1 - rate * self.weight_decay), step, alpha=-rate * longer)
        if self.found_inf is not None:
            keep = self.found_inf == 0
            momentum, moved = torch.where(keep, momentum, before), torch.where(keep, moved, weight)
        slot["momentum"] = momentum
        weight.copy_(moved)


def matrices_of(model: nn.Module) -> list[nn.Parameter]:
    """The weights of its linear layers and ungrouped convolutions; layers that mask theirs are left to Adam."""
    return [
        module.weight
        for module in model.modules()
        if (type(module) is nn.Linear or (_is_convolution(module) and module.groups == 1))
        and isinstance(module.weight, nn.Parameter)
        and module.weight.requires_grad
    ]


def orthogonalized(matrix: Tensor) -> Tensor:
    """About U V^T of the matrix U S V^T, by Newton and Schulz's rounds of products; singular values come to .7 to 1.2.

    Args:
        matrix: [rows, columns]; its products are done in bfloat16 where the device has units for that.
    """
    x = matrix.bfloat16() if has_bfloat16_units(matrix.device) else matrix
    is_tall = len(x) > x.shape[1]
    x = x.T if is_tall else x
    x = x / x.norm().clamp(min=1e-7)  # no singular value is above 1
    for _ in range(NUM_ROUNDS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=B, alpha=C), x, beta=A)
    return (x.T if is_tall else x).to(matrix)


def _is_convolution(module: nn.Module) -> bool:
    kinds = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
    return type(module) in kinds
