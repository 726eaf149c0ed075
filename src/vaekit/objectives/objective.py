"""Objective: a Trace to a Loss. Sum over event dimensions, mean over the batch, always."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaekit.component import Component
from vaekit.errors import UserError
from vaekit.objectives.schedules import Schedule

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

    `epoch` and `step` are the training clock, scalars that the loop sets before each step; schedules read them.
    An objective with weights of its own, a discriminator, is trained by the same optimizer and in the same pass: it
    adds its own loss on detached inputs to `total`.
    """

    num_samples: int = 1
    is_steady: bool = False
    """Whether its loss is one and the same function all through training, and not the negative ELBO: then the best
    epoch is the one with the lowest loss. A loss that a schedule changes does not compare between epochs."""
    is_coupled: bool = True
    """Whether the examples of a batch meet in its loss, in a statistic of the batch for example; False where it is a
    mean of every example's own. Processes that share a batch then see all of it."""
    num_examples: int = 0
    """Size of the training part, set by the loop; estimators of the aggregate posterior need it."""
    lr_scale: float = 1.0
    """Learning rate of the objective's own weights, relative to the model's."""
    epoch: Tensor
    step: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("epoch", torch.zeros(()), persistent=False)
        self.register_buffer("step", torch.zeros(()), persistent=False)

    def check(self, model: Model) -> None:
        """Refuse a model that this objective makes no sense for.

        Raises:
            UserError: in one sentence, what does not fit and what to use instead.
        """

    def bind(self, model: Model) -> None:
        """Get to know the model that is trained, once, before the first step; its weights stay the model's own."""
        self.__dict__["_model"] = model  # around nn.Module, which would take it for a part of the objective

    @property
    def model(self) -> Model:
        """The model that `bind` gave.

        Raises:
            UserError: there was no `bind`.
        """
        if self.__dict__.get("_model") is None:
            raise UserError(
                f"{type(self).__name__} uses the model's decoder; call objective.bind(model) before the first step."
            )
        return self.__dict__["_model"]

    def weight(self, value: float | Schedule) -> float | Tensor:
        """A weight as it stands now: a number, or what a schedule says at this time."""
        if isinstance(value, Schedule):
            return value(self.step if value.unit == "steps" else self.epoch)
        return value

    @abstractmethod
    def forward(self, trace: Trace) -> Loss: ...


def halves(trace: Trace) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Distortion -E_q[log p(x|z)] and rate KL(q(z|x) || p(z)), (B,) each in nats, and the terms that they make."""
    distortion, rate = -trace.log_px.mean(0), trace.kl
    return distortion, rate, {"elbo": -distortion - rate, "distortion": distortion, "rate": rate}
