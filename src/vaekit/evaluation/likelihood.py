"""Marginal likelihood: -log p(x) by importance sampling, with what is needed to judge the estimate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaekit.errors import UserError
from vaekit.evaluation.bootstrap import bootstrap_interval
from vaekit.evaluation.chunks import batches_of, chunk_sizes, evaluating, standard_error

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model


class ImportanceSum:
    """Running log-sum of importance weights: any number of draws in the memory of one chunk.

    log p(x) ~ log 1/K sum_k w_k, with w_k = p(x, z_k) / q(z_k|x) and z_k ~ q(z|x). Burda et al., "Importance
    Weighted Autoencoders", 2016. Sums are in float64 on the CPU: not every device has it.

    Example:
        >>> weights = ImportanceSum(num_examples=1)
        >>> weights.add(torch.tensor([[0.5], [1.5]]).log())
        >>> round(weights.log_evidence.exp().item(), 4), round(weights.ess.item(), 4)
        (1.0, 1.6)
    """

    def __init__(self, num_examples: int) -> None:
        self.num_samples = 0
        self._log_sum = torch.full((num_examples,), -math.inf, dtype=torch.float64)
        self._log_sum_squares = self._log_sum.clone()

    def add(self, log_w: Tensor) -> None:
        """Take in the log-weights (K, B) of K more draws."""
        log_w = log_w.cpu().double()
        self.num_samples += len(log_w)
        self._log_sum = torch.logaddexp(self._log_sum, log_w.logsumexp(0))
        self._log_sum_squares = torch.logaddexp(self._log_sum_squares, (2 * log_w).logsumexp(0))

    @property
    def log_evidence(self) -> Tensor:
        """The estimate of log p(x), (B,), in nats: below the truth on average, and tight as K grows."""
        return self._log_sum - math.log(self.num_samples)

    @property
    def ess(self) -> Tensor:
        """Effective sample size (sum w)^2 / sum w^2, (B,), from 1 (one draw decides) to K. Kong, 1992."""
        return (2 * self._log_sum - self._log_sum_squares).exp()


@dataclass(frozen=True)
class Nll:
    """-log p(x) of each example, (N,), in nats, the effective sample size of each, (N,), of K draws."""

    values: Tensor
    ess: Tensor
    num_samples: int

    @property
    def mean(self) -> float:
        """Nats per example."""
        return float(self.values.mean())

    @property
    def standard_error(self) -> float:
        """Of the mean over examples; the bias of a finite K is not part of it."""
        return standard_error(self.values)

    @property
    def interval(self) -> list[float] | None:
        """95 % bootstrap interval of the mean over examples."""
        return bootstrap_interval(self.values)

    @property
    def sampling_error(self) -> float:
        """Standard error that the draws of z alone bring into the mean, for these very examples.

        By the delta method: a mean of K weights has relative variance 1/ESS - 1/K. Understated where
        a few draws decide.
        """
        return float(self._relative_variance.sum().sqrt() / len(self.values))

    @property
    def jensen_gap(self) -> float:
        """By how much the mean overstates -log p(x) for want of draws, to first order: half the relative variance."""
        return 0.5 * float(self._relative_variance.mean())

    @property
    def _relative_variance(self) -> Tensor:
        return (1 / self.ess - 1 / self.num_samples).clamp(min=0)


def nll(
    model: Model, part: Part, *, num_samples: int = 1000, seed: int = 0, batch_size: int | None = None
) -> Nll:
    """Importance-sampled negative log-likelihood of each example of `part`. Burda et al., 2016.

    Args:
        model: a model with a posterior density.
        part: the data, N examples.
        num_samples: draws K of z for each example; memory does not grow with it.
        seed: of the draws; the same seed gives the same numbers.
        batch_size: examples at a time; chosen to fit the memory of a chunk when None.

    Raises:
        UserError: a deterministic posterior, or fewer than one draw.
    """
    model.require_density("likelihood")
    if num_samples < 1:
        raise UserError(f"num_samples must be at least 1; {num_samples} came.")
    values, ess = [], []
    with evaluating(model, seed):
        num_examples, num_draws = chunk_sizes(model, part, num_samples, batch_size)
        for x, y in batches_of(part, model, num_examples):
            weights = ImportanceSum(len(x))
            for start in range(0, num_samples, num_draws):
                weights.add(model(x, y, min(num_draws, num_samples - start)).log_w)
            values.append(-weights.log_evidence)
            ess.append(weights.ess)
    return Nll(torch.cat(values), torch.cat(ess), num_samples)
