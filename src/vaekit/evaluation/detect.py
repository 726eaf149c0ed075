"""detect: how strange each example is, calibrated against known ones, and which columns make it so."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from vaekit.errors import UserError
from vaekit.evaluation.chunks import evaluating, subset
from vaekit.evaluation.mahalanobis import CrossFitted, num_rows
from vaekit.evaluation.strangeness import Features, features, has_rest

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model

NUM_REFERENCE = 5000
MIN_HELD = 20
"""Fewer held-out examples cannot tell what one in ten is like; then the reference calibrates itself."""


@dataclass
class Detection:
    """Scores of N examples.

    Args:
        score: (N,) share of the reference that is less strange, between 0 and 1; higher is stranger.
        strangeness: (N,) about 0 for a usual example, and 1 where one in ten is stranger; it orders what lies beyond
            all of the reference, where `score` is 1.
        surprise: (N,) nats of -log p(x) beyond what examples of the reference cost on average.
        contributions: (N, C) nats of each column beyond its average, 0 where a cell is missing; None for images.
    """

    score: np.ndarray
    strangeness: np.ndarray
    surprise: np.ndarray
    contributions: np.ndarray | None


def detect(
    model: Model,
    part: Part,
    reference: Part,
    *,
    held: Part | None = None,
    num_samples: int = 32,
    seed: int = 0,
    limit: int = NUM_REFERENCE,
) -> Detection:
    """Score examples by two distances from those of the reference, each in units of its own spread there: that of the
    code, and that of what the code leaves open.

    The first is a Mahalanobis distance in the latent space. The second is -log p(x), estimated by importance sampling,
    for tables and sound; for images and arrays it is the Mahalanobis distance of x less its reconstruction, after
    Denouden et al., "Improving Reconstruction Autoencoder Out-of-distribution Detection with Mahalanobis Distance",
    2018, because a likelihood of independent values finds simple images ordinary, whatever they show: Nalisnick et al.,
    "Do Deep Generative Models Know What They Don't Know?", 2019. Each example of the reference is judged by Gaussians
    of the others.

    A row with missing cells is compared by what its observed cells cost on average, so that holes make nothing strange
    or ordinary. Examples without labels are judged by the mean over the classes of a class-conditional model.

    Args:
        model: a trained model.
        part: what to score.
        reference: the training part; a random subset of at most `limit` examples says what is usual.
        held: examples that the model was not trained on, the validation part for example; from 20 on the units are
            their spread: a model of few examples is too used to those of the reference.
        num_samples: draws of z for each example.
        seed: of the draws and the subset: the same seed gives the same scores.
        limit: examples of the reference.

    Raises:
        UserError: nothing to score, or no reference.
    """
    found = list(
        detections(model, part, reference, held=held, num_samples=num_samples, seed=seed, limit=limit)
    )
    cells = [f.contributions for f in found if f.contributions is not None]
    return Detection(
        np.concatenate([f.score for f in found]),
        np.concatenate([f.strangeness for f in found]),
        np.concatenate([f.surprise for f in found]),
        np.concatenate(cells) if cells else None,
    )


def detections(
    model: Model,
    part: Part,
    reference: Part,
    *,
    held: Part | None = None,
    num_samples: int = 32,
    seed: int = 0,
    limit: int = NUM_REFERENCE,
) -> Iterator[Detection]:
    """`detect`, a batch at a time and in order: any number of examples in the memory of one batch.

    Raises:
        UserError: nothing to score, or no reference.
    """
    if not len(part) or not len(reference):
        raise UserError("There are no examples to score, or none to compare them with.")
    size = max(math.prod(model.latent_shape), has_rest(reference) * math.prod(reference.schema.shape))
    known = subset(reference, num_rows(size, limit), seed)
    judged = [known] if held is None or len(held) < MIN_HELD else [known, subset(held, limit, seed)]
    labelled = all(p.y is not None for p in [part, *judged])
    with evaluating(model, seed):
        usual = Usual(list(features(model, known, num_samples, labelled=labelled)))
    if len(judged) > 1:
        with evaluating(model, seed):
            usual.calibrate(list(features(model, judged[1], num_samples, labelled=labelled)))
    with evaluating(model, seed):
        for found in features(model, part, num_samples, labelled=labelled):
            yield usual.judge(found)


@dataclass
class Measure:
    """One distance, in units of the reference's spread of it.

    Args:
        own: (N,) what the reference's own examples have.
    """

    own: Tensor
    middle: Tensor = field(init=False)
    scale: Tensor = field(init=False)

    def __post_init__(self) -> None:
        self.middle, high = self.own.quantile(self.own.new_tensor([0.5, 0.9]))
        self.scale = (high - self.middle).clamp(min=1e-6 * float(self.own.abs().max()) + 1e-12)

    def __call__(self, value: Tensor) -> Tensor:
        """0 at the reference's median and 1 where a tenth of it lies beyond."""
        return (value - self.middle) / self.scale


class Usual:
    """What is usual, learned from the features of a reference; judges others by it."""

    def __init__(self, known: list[Features]) -> None:
        cost = torch.cat([f.cost for f in known])
        cells = [f.cells for f in known if f.cells is not None]
        self.average = torch.cat(cells).nanmean(0).nan_to_num() if cells else None
        cost = cost - self._expected(torch.cat(cells) if cells else None)
        self.mean_cost = cost.mean()
        self.codes = CrossFitted(torch.cat([f.code for f in known]))
        rest = [f.rest for f in known if f.rest is not None]
        self.rests = CrossFitted(torch.cat(rest)) if rest else None
        self.measures = [Measure(self.codes.own), Measure(cost if self.rests is None else self.rests.own)]
        self.base = sum(measure(measure.own) / 2 for measure in self.measures).sort().values  # type: ignore[union-attr]

    def calibrate(self, held: list[Features]) -> None:
        """Take the units of the distances from these examples."""
        self.measures = [
            Measure(torch.cat(values)) for values in zip(*map(self._distances, held), strict=True)
        ]

    def judge(self, found: Features) -> Detection:
        """The scores of a batch."""
        strange = sum(
            measure(v) / 2 for measure, v in zip(self.measures, self._distances(found), strict=True)
        )
        assert isinstance(strange, Tensor)
        below = torch.searchsorted(self.base, strange) / len(self.base)
        surprise = found.cost - self._expected(found.cells) - self.mean_cost
        cells = None
        if found.cells is not None and self.average is not None:
            cells = (found.cells - self.average).nan_to_num().numpy()
        return Detection(below.numpy(), strange.numpy(), surprise.numpy(), cells)

    def _distances(self, found: Features) -> tuple[Tensor, Tensor]:
        """Of the code, and of what it leaves open, (B,) each."""
        if self.rests is None or found.rest is None:
            return self.codes.distance(found.code), found.cost - self._expected(found.cells)
        return self.codes.distance(found.code), self.rests.distance(found.rest)

    def _expected(self, cells: Tensor | None) -> Tensor | float:
        """What the observed cells of each row cost on average, (B,)."""
        if cells is None or self.average is None:
            return 0.0
        return torch.where(cells.isnan(), 0.0, self.average).sum(1)
