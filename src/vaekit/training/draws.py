"""SameDraws: noise that does not depend on how many processes share a batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

import vaekit.ranks as ranks
from vaekit.errors import UserError
from vaekit.ranks import Split

SIZES = (11, 13)
"""Batches of a rehearsal: primes, so that no other dimension is taken for the batch by chance."""


CHOICES = (torch.randperm, torch.randint)
"""They choose among examples, and have no row for each; who calls them says of how many."""


@dataclass(frozen=True)
class Pattern:
    """Where the examples are in a shape: dimension `dim` has `times` entries for each, an example's own apart."""

    shape: tuple[int, ...]
    dim: int
    times: int

    def fits(self, shape: tuple[int, ...], count: int) -> bool:
        """Whether `shape` is this one for a batch of `count` examples."""
        return (*shape[: self.dim], 0, *shape[self.dim + 1 :]) == self.shape and shape[
            self.dim
        ] == self.times * count


Patterns = dict[Callable[..., Any], set[Pattern]]


class Rehearsal(TorchFunctionMode):
    """Notes the functions that draw at random, and the shapes that they take and return."""

    def __init__(self) -> None:
        super().__init__()
        self.draws: dict[Callable[..., Any], set[tuple[int, ...]]] = {}

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        before = torch.get_rng_state()
        result = func(*args, **(kwargs or {}))
        if func not in CHOICES and not torch.equal(before, torch.get_rng_state()):
            values = [*as_size(args), *(kwargs or {}).values(), result]
            self.draws.setdefault(func, set()).update(shape for shape in map(shape_of, values) if shape)
        return result


def rehearse(run: Callable[[int], Any], sizes: tuple[int, int] = SIZES) -> Patterns:
    """What `run(count)`, a step on `count` examples, draws, learned from two sizes of batch; the random state stays."""
    noted = []
    for count in sizes:
        with torch.random.fork_rng(devices=[]), Rehearsal() as rehearsal:
            run(count)
        noted.append(rehearsal.draws)
    return {
        func: {p for a in noted[0][func] for b in noted[1][func] if (p := pattern(a, b, sizes)) is not None}
        for func in noted[0].keys() & noted[1].keys()
    }


def pattern(a: tuple[int, ...], b: tuple[int, ...], sizes: tuple[int, int] = SIZES) -> Pattern | None:
    """Where the examples are in shapes that the two batches gave; None where the shapes have nothing in common.

    Example:
        >>> pattern((1, 11, 20), (1, 13, 20))
        Pattern(shape=(1, 0, 20), dim=1, times=1)
    """
    differing = [d for d, (m, n) in enumerate(zip(a, b)) if m != n]
    if len(a) != len(b) or len(differing) != 1:
        return None
    (dim,) = differing
    times, rest = divmod(a[dim], sizes[0])
    if rest or b[dim] != times * sizes[1]:
        return None
    return Pattern((*a[:dim], 0, *a[dim + 1 :]), dim, times)


class SameDraws(TorchFunctionMode):
    """Within it and a shared batch, every rank draws for the whole batch and keeps the rows of its own examples.

    The ranks' generators run alike, so together they draw what one process would. It costs each rank the noise of the
    whole batch, which is little beside a network's work.

    Args:
        patterns: which functions draw, and where their shapes hold the examples, as `rehearse` found them.
    """

    def __init__(self, patterns: Patterns) -> None:
        super().__init__()
        self.patterns = patterns

    def __torch_function__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        split = ranks.current() if func in self.patterns else None
        if split is None or kwargs.get("generator") is not None:
            return func(*args, **kwargs)

        def widened(value: Any) -> Any:
            shape = shape_of(value)
            found = self.find(func, shape, split.counts[split.rank])
            if found is None:
                return value
            if isinstance(value, Tensor):
                return widen(value, found, split)
            return torch.Size((*shape[: found.dim], found.times * split.total, *shape[found.dim + 1 :]))

        whole = func(*map(widened, as_size(args)), **{name: widened(value) for name, value in kwargs.items()})
        found = self.find(func, shape_of(whole), split.total)
        if found is None:
            return whole
        own = narrow(whole, found, split)
        if func.__name__.endswith("_"):  # in place
            return args[0].copy_(own)
        return own

    def find(self, func: Any, shape: tuple[int, ...], count: int) -> Pattern | None:
        """Where the examples are in `shape`."""
        fitting = [
            p for p in self.patterns[func] if shape and len(p.shape) == len(shape) and p.fits(shape, count)
        ]
        if len(fitting) > 1:
            raise UserError(
                f"A draw of shape {shape} may hold the examples in either of two dimensions; take another --batch-size."
            )
        return fitting[0] if fitting else None


@contextmanager
def undisturbed(module: torch.nn.Module) -> Iterator[None]:
    """Puts a module's buffers back afterwards."""
    kept = [(buffer, buffer.clone()) for buffer in module.buffers()]
    try:
        yield
    finally:
        with torch.no_grad():
            for buffer, value in kept:
                buffer.copy_(value)


def as_size(args: tuple[Any, ...]) -> tuple[Any, ...]:
    """Positional arguments, a shape that is spelled out as one: torch.rand(2, 3) is torch.rand((2, 3))."""
    return (torch.Size(args),) if is_size(args) else args


def is_size(value: Any) -> bool:
    """Whether a value is a shape."""
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(n, int) for n in value)


def shape_of(value: Any) -> tuple[int, ...]:
    """The shape of a tensor, or that which a value states; () of anything else."""
    if isinstance(value, Tensor):
        return tuple(value.shape)
    return tuple(value) if is_size(value) else ()


def widen(own: Tensor, pattern: Pattern, split: Split) -> Tensor:
    """`own` among rows for the other ranks' examples, copies of its first: what is drawn for them is thrown away."""
    # Draws are made in the order of memory, that of a new tensor where `own` is one row shown several times.
    order = sorted(range(own.ndim), key=torch.empty_like(own).stride, reverse=True)
    dim = order.index(pattern.dim)
    rows = own.permute(order).unflatten(dim, (pattern.times, -1))
    other, after = rows.narrow(dim + 1, 0, 1), split.total - split.start - split.count

    def others(count: int) -> Tensor:
        return other.expand(*(count if d == dim + 1 else -1 for d in range(rows.ndim)))

    whole = torch.cat([others(split.start), rows, others(after)], dim + 1).flatten(dim, dim + 1)
    return whole.permute([order.index(d) for d in range(own.ndim)])


def narrow(whole: Tensor, pattern: Pattern, split: Split) -> Tensor:
    """The inverse of `widen`, in memory of its own."""
    rows = whole.unflatten(pattern.dim, (pattern.times, -1))
    own = rows.narrow(pattern.dim + 1, split.start, split.count)
    return own.flatten(pattern.dim, pattern.dim + 1).clone()
