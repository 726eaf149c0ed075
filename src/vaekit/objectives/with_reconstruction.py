"""WithReconstruction: any objective, its log p(x|z) replaced or joined by another measure of likeness."""

from __future__ import annotations

import copy
from abc import abstractmethod
from typing import TYPE_CHECKING

from torch import Size, Tensor
from torch.distributions import Distribution

from vaekit.component import Component
from vaekit.errors import UserError
from vaekit.objectives.objective import Loss, Objective
from vaekit.objectives.schedules import Schedule

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.trace import Trace


class Unlikeness(Component):
    """Maps x (B, *event) and reconstructions (K, B, *event) to (K, B), 0 where they are equal."""

    name: str = "unlikeness"
    """What the term is called in the log."""

    @abstractmethod
    def forward(self, x: Tensor, mean: Tensor) -> Tensor: ...

    def check(self, model: Model) -> None:
        """Refuse a model whose x this measure cannot take.

        Raises:
            UserError: in one sentence.
        """


class WithReconstruction(Objective):
    """An objective in which -log p(x|z) becomes likelihood * -log p(x|z) + weight * unlikeness(x, E[x|z]).

    With a likelihood weight of 0, as in Snell et al., "Learning to Generate Images with Perceptual Similarity
    Metrics", 2017, the measure takes the likelihood's place. The logged `elbo` and `distortion` stay those of the
    model's likelihood.

    Args:
        objective: what is wrapped; ELBO() for example.
        unlikeness: MSSSIM() or PerceptualFeatures(net).
        weight: of the unlikeness, a number or a schedule.
        likelihood: weight of -log p(x|z) beside it.

    Raises:
        UserError: negative weights.
    """

    def __init__(
        self,
        objective: Objective,
        unlikeness: Unlikeness,
        *,
        weight: float | Schedule = 1.0,
        likelihood: float = 0.0,
    ) -> None:
        super().__init__()
        if likelihood < 0 or (isinstance(weight, int | float) and weight < 0):
            raise UserError(
                f"WithReconstruction takes weights of at least 0; weight={weight}, likelihood={likelihood} came."
            )
        self.objective, self.unlikeness = objective, unlikeness
        self.lambda_, self.likelihood = weight, likelihood
        self.num_samples, self.lr_scale = objective.num_samples, objective.lr_scale
        self.is_coupled = objective.is_coupled

    def check(self, model: Model) -> None:
        self.objective.check(model)
        self.unlikeness.check(model)

    def bind(self, model: Model) -> None:
        super().bind(model)
        self.objective.bind(model)

    def forward(self, trace: Trace) -> Loss:
        inner = self.objective
        inner.epoch.copy_(self.epoch)
        inner.step.copy_(self.step)
        inner.num_examples = self.num_examples
        unlike = self.unlikeness(trace.x, trace.px.mean)
        log_px = -self.weight(self.lambda_) * unlike
        if self.likelihood:
            log_px = log_px + self.likelihood * trace.log_px
        replaced = copy.copy(trace)
        replaced.px, replaced._log_px = Scored(trace.px, log_px), None
        loss = inner(replaced)
        distortion = -trace.log_px.detach().mean(0)
        true = {"distortion": distortion}
        if "rate" in loss.terms:
            true = {"elbo": -distortion - loss.terms["rate"].detach(), **true}
        others = {k: v for k, v in loss.terms.items() if k not in ("elbo", "bound", "distortion")}
        return Loss(loss.total, true | others | {self.unlikeness.name: unlike.mean(0)})


class Scored(Distribution):
    """p(x|z) with another score in place of its log density, (K, B); for the data that the score was taken of."""

    arg_constraints = {}  # noqa: RUF012

    def __init__(self, px: Distribution, score: Tensor) -> None:
        self.px, self.score = px, score
        super().__init__(Size(score.shape), px.event_shape, validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.px.mean

    def log_prob(self, value: Tensor) -> Tensor:
        return self.score
