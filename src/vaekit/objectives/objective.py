"""Objective: a Trace to a Loss. Sum over event dimensions, mean over the batch, always."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaekit.component import Component

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.trace import Trace


@dataclass
class Loss:
    """What the optimizer lowers, and what it is made of.

    Args:
        total: scalar, mean over the batch.
        terms: named parts per example, (B,), in nats: `elbo` rises, `loss` falls.
    """

    total: Tensor
    terms: dict[str, Tensor]


class Objective(Component):
    """A module called on a `Trace`; `num_samples` is the K that it wants the model to draw.

    `epoch` is the training clock, a scalar in epochs that the loop sets before each step; schedules read it.
    An objective with weights of its own, a discriminator, is trained by the same optimizer and in the same pass: it
    adds its own loss on detached inputs to `total`.
    """

    num_samples: int = 1
    num_examples: int = 0
    """Size of the training part, set by the loop; estimators of the aggregate posterior need it."""
    lr_scale: float = 1.0
    """Learning rate of the objective's own weights, relative to the model's."""
    epoch: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("epoch", torch.zeros(()), persistent=False)

    def check(self, model: Model) -> None:
        """Refuse a model that this objective makes no sense for.

        Raises:
            UserError: in one sentence, what does not fit and what to use instead.
        """

    @abstractmethod
    def forward(self, trace: Trace) -> Loss: ...
