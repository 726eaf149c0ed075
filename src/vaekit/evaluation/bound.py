"""The bound against K: how fast the importance-weighted bound tightens, from one pass over the draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vaekit.errors import UserError
from vaekit.evaluation.bootstrap import bootstrap_interval
from vaekit.evaluation.chunks import batches_of, chunk_sizes, evaluating, standard_error

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model

KS = (1, 5, 50, 500, 5000)


class BlockBound:
    """Mean over blocks of k draws of log 1/k sum w: L_k from all draws at once, in the memory of one block's sum.

    Args:
        k: draws in a block.
        num_examples: B.

    Example:
        >>> bound = BlockBound(2, num_examples=1)
        >>> bound.add(torch.tensor([[1.0], [3.0], [5.0], [7.0], [9.0]]).log())
        >>> round(bound.value.exp().item() ** 2, 4)  # blocks (1, 3) and (5, 7); 9 begins a third one
        12.0
    """

    def __init__(self, k: int, num_examples: int) -> None:
        self.k, self.num_blocks, self._filled = k, 0, 0
        self._total = torch.zeros(num_examples, dtype=torch.float64)
        self._open = torch.full((num_examples,), -math.inf, dtype=torch.float64)

    def add(self, log_w: Tensor) -> None:
        """Take in the log-weights (K, B) of K more draws."""
        log_w = log_w.cpu().double()
        while len(log_w):
            whole = len(log_w) // self.k * self.k
            if self._filled == 0 and whole:
                blocks = log_w[:whole].unflatten(0, (-1, self.k)).logsumexp(1)
                self._total += blocks.sum(0)
                self.num_blocks += len(blocks)
                log_w = log_w[whole:]
                continue
            take = min(self.k - self._filled, len(log_w))
            self._open = torch.logaddexp(self._open, log_w[:take].logsumexp(0))
            self._filled += take
            log_w = log_w[take:]
            if self._filled == self.k:
                self._total += self._open
                self.num_blocks += 1
                self._filled, self._open = 0, torch.full_like(self._open, -math.inf)

    @property
    def value(self) -> Tensor:
        """L_k of each example, (B,), in nats: an unbiased estimate of the bound with k draws."""
        return self._total / self.num_blocks - math.log(self.k)


@dataclass(frozen=True)
class BoundCurve:
    """L_k of each example, (len(ks), N), in nats."""

    ks: tuple[int, ...]
    values: Tensor

    @property
    def means(self) -> list[float]:
        """Mean over examples, for each k."""
        return self.values.mean(-1).tolist()

    @property
    def standard_errors(self) -> list[float]:
        return [standard_error(row) for row in self.values]

    @property
    def intervals(self) -> list[list[float] | None]:
        """95 % bootstrap intervals over examples, for each k."""
        return [bootstrap_interval(row) for row in self.values]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {"ks": list(self.ks), "bound": self.means, "bound_se": self.standard_errors,
                "bound_interval": self.intervals}  # fmt: skip


def bound_vs_samples(
    model: Model, part: Part, ks: Sequence[int] = KS, *, seed: int = 0, batch_size: int | None = None
) -> BoundCurve:
    """The importance-weighted bound L_k for several k, from one pass of max(ks) draws. Burda et al., 2016.

    L_k rises with k towards log p(x). A smaller k uses the same draws as the largest, in blocks of k, so that the whole
    curve costs as much as its last point and its first points carry less noise than it.

    Args:
        model: a model with a posterior density.
        part: the data, N examples.
        ks: numbers of draws.
        seed: of the draws.
        batch_size: examples at a time; chosen to fit the memory of a chunk when None.

    Raises:
        UserError: a deterministic posterior, or a k below 1.
    """
    model.require_density("likelihood")
    ks = tuple(sorted(set(ks)))
    if not ks or ks[0] < 1:
        raise UserError(f"Numbers of draws are at least 1; {', '.join(map(str, ks)) or 'none'} came.")
    num_samples, found = ks[-1], []
    with evaluating(model, seed):
        num_examples, num_draws = chunk_sizes(model, part, num_samples, batch_size)
        for x, y in batches_of(part, model, num_examples):
            bounds = [BlockBound(k, len(x)) for k in ks]
            for start in range(0, num_samples, num_draws):
                log_w = model(x, y, min(num_draws, num_samples - start)).log_w
                for bound in bounds:
                    bound.add(log_w)
            found.append(torch.stack([bound.value for bound in bounds]))
    return BoundCurve(ks, torch.cat(found, -1))
