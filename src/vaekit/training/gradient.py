"""Gradient: of a batch, whole or in pieces whose gradients add up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vaekit.errors import is_out_of_memory
from vaekit.ranks import world
from vaekit.training.compiled import Compiled, choose_compiled

if TYPE_CHECKING:
    from vaekit.data import Part
    from vaekit.objectives import Objective
    from vaekit.training.checkpoint import Progress
    from vaekit.training.distributed import Team
    from vaekit.training.settings import Settings

Scored = tuple[Tensor, dict[str, Tensor]]


class Gradient:
    """Makes the weights' `grad` the gradient of a batch's mean.

    A batch that does not fit in memory is halved, and its pieces again, until they fit; `notes` then says so.

    Args:
        team: scores a batch.
        objective: what is lowered; one that compares the examples of a batch with each other is never cut.
        micro: at most so many examples at once, None for whole batches.
    """

    def __init__(self, team: Team, objective: Objective, micro: int | None) -> None:
        self.team, self.micro, self.notes = team, micro, list[str]()
        self.parameters = list(team.score.parameters())
        self.may_halve = world() == 1 and not objective.is_coupled
        self.compiled: Compiled | None = None
        """Generated code for examples of its number, if any."""

    def generate(self, part: Part, settings: Settings, num_steps: int) -> str:
        """Make code for the step where that repays; returns what was chosen, and why.

        Args:
            part, settings, num_steps: as in `choose_compiled`.
        """
        size = min(settings.batch_size, self.micro or settings.batch_size)
        self.compiled, why = choose_compiled(self.team.score, part, settings, num_steps, size)
        if self.compiled is not None and self.compiled.size < size:
            self._cut(size, self.compiled.size)
        return why

    @property
    def kept(self) -> dict[str, Any]:
        """What a checkpoint's progress keeps of it."""
        return {"micro_batch": self.micro, "is_plain": self.compiled is None}

    def restore(self, progress: Progress, part: Part, settings: Settings, num_steps: int) -> None:
        """Go on as the checkpoint did. Where no step is left, no code is made.

        Args:
            part, settings, num_steps: as in `choose_compiled`.
        """
        self.micro = progress.micro_batch
        if not progress.is_plain and not progress.is_done:
            self.generate(part, settings, num_steps)

    def __call__(self, x: Tensor, y: Tensor | None, weight: Tensor | None) -> Scored:
        """The batch's mean and its terms (B,).

        Args:
            x, y: examples and labels, (B, ...).
            weight: what this process's mean counts, None for 1.
        """
        for parameter in self.parameters:
            parameter.grad = None
        size = min(self.micro or len(x), len(x))
        try:
            return self._piece(x, y, weight) if size == len(x) else self._pieces(x, y, weight, size)
        except Exception as error:
            if self.compiled is not None and type(error).__module__.startswith("torch._dynamo"):
                self.compiled = None
                self.notes.append(
                    "The generated code does not fit any more, since something in the model or the objective changes "
                    "from step to step: the training goes on without it. --compile never spares the wait."
                )
                return self(x, y, weight)
            if not is_out_of_memory(error) or not self.may_halve or size == 1:
                raise
        self.compiled = None  # it is for pieces of another size
        self._cut(size, math.ceil(size / 2))
        return self(x, y, weight)

    def _cut(self, size: int, micro: int) -> None:
        self.micro = micro
        self.notes.append(
            f"{size} examples at once do not fit in memory: batches are worked off in pieces of {micro} from now on, "
            "and their gradients add up."
        )

    def _piece(self, x: Tensor, y: Tensor | None, weight: Tensor | None, share: float = 1.0) -> Scored:
        """Adds a piece's gradient; `share` of the batch's examples are in it."""
        if self.compiled is None or len(x) != self.compiled.size:
            total, terms = self.team.score(x, y)
            (total if share == 1 else total * share).backward(weight)
            return total.detach(), terms
        total, terms, found = self.compiled(x, y)
        for parameter, gradient in zip(self.compiled.parameters, found, strict=True):
            if gradient is not None:
                gradient = gradient if share == 1 else gradient * share
                parameter.grad = gradient if parameter.grad is None else parameter.grad + gradient
        return total, terms

    def _pieces(self, x: Tensor, y: Tensor | None, weight: Tensor | None, size: int) -> Scored:
        gathered: dict[str, list[Tensor]] = {}
        mean = x.new_zeros((), dtype=torch.float32)
        for start in range(0, len(x), size):
            rows = slice(start, start + size)
            share = len(x[rows]) / len(x)
            with self.team.holding_back(start + size < len(x)):
                total, terms = self._piece(x[rows], None if y is None else y[rows], weight, share)
            mean = mean + total * share
            for name, values in terms.items():
                gathered.setdefault(name, []).append(values.clone())  # code may reuse its memory
        return mean, {name: torch.cat(pieces) for name, pieces in gathered.items()}
