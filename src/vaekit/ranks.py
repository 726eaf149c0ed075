"""Ranks: the processes that train one model together, and what they tell each other. Of one process, nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor


def world() -> int:
    """Number of processes that work together."""
    return dist.get_world_size() if dist.is_available() and dist.is_initialized() else 1


def rank() -> int:
    """Which of them this one is, from 0."""
    return dist.get_rank() if world() > 1 else 0


@dataclass(frozen=True)
class Split:
    """A batch shared out over the ranks, in blocks and in its order.

    A batch with fewer examples than there are ranks is not shared: every rank takes all of it, and the first one
    counts it.

    Args:
        counts: examples of each rank.
        rank: whose share it is.
        is_shared: whether the ranks hold different examples.
    """

    counts: tuple[int, ...]
    rank: int
    is_shared: bool

    @classmethod
    def of(cls, total: int) -> Split:
        """A batch of `total` examples over the ranks that there are."""
        num, own = world(), rank()
        if num == 1 or total < num:
            return cls((total,) + (0,) * (num - 1), own, is_shared=False)
        return cls(tuple(total // num + (i < total % num) for i in range(num)), own, is_shared=True)

    @property
    def total(self) -> int:
        """Examples of the whole batch."""
        return sum(self.counts)

    @property
    def count(self) -> int:
        """Examples that this rank answers for when sums are added up."""
        return self.counts[self.rank]

    @property
    def start(self) -> int:
        """Place of the first of them in the batch."""
        return sum(self.counts[: self.rank])

    @property
    def rows(self) -> slice:
        """What this rank works on."""
        return slice(self.start, self.start + self.count) if self.is_shared else slice(None)

    def gathered(self, rows: Tensor, dim: int = 0) -> Tensor:
        """The rows of all ranks in the order of the batch; a gradient finds its way back to each rank's own."""
        if not self.is_shared:
            return rows
        per_example = rows.shape[dim] // self.count
        return _Gather.apply(rows.movedim(dim, 0), self, per_example).movedim(0, dim)


_under_way: Split | None = None


@contextmanager
def sharing(split: Split | None) -> Iterator[None]:
    """Within it, the functions below speak of this batch; of None or a batch that is not shared, they do nothing."""
    global _under_way
    before, _under_way = _under_way, split if split is not None and split.is_shared else None
    try:
        yield
    finally:
        _under_way = before


def current() -> Split | None:
    """The shared batch under way."""
    return _under_way


def add_up(value: Tensor) -> Tensor:
    """Sum over the ranks, in place; no gradient."""
    if _under_way is not None:
        dist.all_reduce(value)
    return value


def mean(values: Tensor) -> Tensor:
    """Mean over the examples of all ranks, a scalar; no gradient."""
    if _under_way is None:
        return values.mean()
    total, count = add_up(torch.stack([values.sum(), values.new_tensor(values.numel())]))
    return total / count


def anywhere(flags: Tensor) -> bool:
    """Whether any is set on any rank."""
    return bool(add_up(flags.any().float()))


def number(own: int) -> int:
    """Rows of the whole batch, where this rank has `own` of them, as many for each example."""
    return own if _under_way is None else own // _under_way.count * _under_way.total


def take(rows: Tensor, index: Tensor) -> Tensor:
    """Rows of the whole batch by their place in it, (len(index), ...); `rows` (n, ...) are this rank's."""
    if _under_way is None:
        return rows[index]
    dist.broadcast(index, src=0)  # ranks that draw for themselves agree on the first one's
    here = index - _under_way.start * (len(rows) // _under_way.count)
    is_own = (here >= 0) & (here < len(rows))
    taken = rows.new_zeros(len(index), *rows.shape[1:])
    taken[is_own] = rows[here[is_own]]
    return add_up(taken)


def full(value: Tensor) -> Tensor:
    """A tensor that is sharded over the ranks, whole on each of them; every other as it is."""
    return value.full_tensor() if hasattr(value, "full_tensor") else value


def own(value: Tensor) -> Tensor:
    """This rank's shard of such a tensor; every other as it is."""
    return value.to_local() if hasattr(value, "to_local") else value


class _Gather(torch.autograd.Function):
    """All ranks' rows one after the other. Each rank's loss is the same function of them, so the gradient of a row is
    the sum of what all ranks found."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, split: Split, per_example: int) -> Tensor:
        ctx.split, ctx.per_example = split, per_example
        most = max(split.counts) * per_example
        padded = rows.new_zeros(most, *rows.shape[1:])
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in split.counts]
        dist.all_gather(parts, padded)
        return torch.cat([part[: n * per_example] for part, n in zip(parts, split.counts, strict=True)])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None, None]:
        grad = grad.clone(memory_format=torch.contiguous_format)
        dist.all_reduce(grad)
        start, count = ctx.split.start * ctx.per_example, ctx.split.count * ctx.per_example
        return grad[start : start + count], None, None
