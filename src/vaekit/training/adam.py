"""Adam: torch's fused kernel over all weights at once, and nothing around it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor, nn

BETA1 = 0.9
EPS = 1e-8


class Adam:
    """Adam, and with decoupled weight decay AdamW. Kingma and Ba, 2015; Loshchilov and Hutter, 2019.

    `torch.optim.Adam(fused=True)` calls the same kernel, and the weights end in the same bits. But to construct it
    imports torch's compiler, a second of work, and each of its steps spends as long in Python as the kernel takes for a
    small model.

    Args:
        groups: each with `params`, and `lr`, the rate, which may change from step to step.
        weight_decay: times the rate, what a weight loses a step where it is decoupled; else added to the gradient.
        is_decoupled: AdamW.
        beta2: decay of the average of squared gradients.
    """

    def __init__(
        self, groups: Iterable[dict[str, Any]], *, weight_decay: float, is_decoupled: bool, beta2: float = 0.999
    ) -> None:
        self.param_groups, self.weight_decay, self.beta2 = list(groups), weight_decay, beta2
        self.kernel = torch._fused_adamw_ if is_decoupled else torch._fused_adam_
        self.state: dict[nn.Parameter, dict[str, Tensor]] = {}
        self.found_inf: Tensor | None = None
        """1 to leave weights and averages as they are in the next steps, 0 to descend; nothing is read from it here."""

    @property
    def weights(self) -> list[nn.Parameter]:
        """All of them, in the order of the groups."""
        return [p for group in self.param_groups for p in group["params"]]

    @torch.no_grad()
    def step(self) -> None:
        """Move the weights that have a gradient."""
        for group in self.param_groups:
            moved = [p for p in group["params"] if p.grad is not None]
            for dtype in dict.fromkeys(p.dtype for p in moved):  # the kernel takes one kind at a time
                self._move([p for p in moved if p.dtype == dtype], group["lr"])

    def _move(self, weights: list[nn.Parameter], rate: float) -> None:
        values: list[Tensor] = list(weights)
        slots = [self.state.get(p) or self._begin(p) for p in weights]
        steps = [slot["step"] for slot in slots]
        torch._foreach_add_(steps, 1)
        self.kernel(
            values, [p.grad for p in weights if p.grad is not None], [slot["exp_avg"] for slot in slots],
            [slot["exp_avg_sq"] for slot in slots], [], steps, lr=rate, beta1=BETA1, beta2=self.beta2,
            weight_decay=self.weight_decay, eps=EPS, amsgrad=False, maximize=False, found_inf=self.found_inf,
        )  # fmt: skip
        if self.found_inf is not None:
            torch._foreach_sub_(steps, [self.found_inf] * len(steps))

    def _begin(self, weight: nn.Parameter) -> dict[str, Tensor]:
        zeros = {name: torch.zeros_like(weight) for name in ("exp_avg", "exp_avg_sq")}
        self.state[weight] = {"step": torch.zeros((), device=weight.device), **zeros}
        return self.state[weight]
