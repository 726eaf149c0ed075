"""together: the batches of an evaluation shared out over processes, with the figures that one process finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vaekit.ranks import Split, sharing, world
from vaekit.training.draws import SameDraws, rehearse
from vaekit.training.whole import WholeTrace

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.trace import Trace

FEW = (2, 3)
"""Examples of a rehearsal: with many draws for each, more would take more memory than a batch does."""


@contextmanager
def together(model: Model) -> Iterator[None]:
    """Within it, each process of torchrun passes its share of a batch through the model and gets what comes of all.

    Passes, means of codes and reconstructions are shared out; the draws are those of one process. Whatever else is
    asked of the model, every process does for itself. Alone, a process notices nothing.
    """
    if world() == 1:
        yield
        return
    known: dict[int, SameDraws] = {}
    own: dict[str, Any] = {name: getattr(model, name) for name in ("forward", "embed", "reconstruct")}

    def forward(x: Tensor, y: Tensor | None = None, num_samples: int = 1) -> Trace:
        split = Split.of(len(x))
        if not split.is_shared:
            return own["forward"](x, y, num_samples)
        if num_samples not in known:
            known[num_samples] = SameDraws(
                rehearse(lambda count: own["forward"](*first_rows(x, y, count), num_samples), FEW)
            )
        with sharing(split), known[num_samples]:
            trace = own["forward"](*rows_of(split, x, y), num_samples)
        return WholeTrace(trace, split)

    def shared(name: str) -> Any:
        def call(x: Any, y: Tensor | None = None, *, sample: bool = False) -> Tensor:
            split = Split.of(len(x))
            if sample or not split.is_shared:
                return own[name](x, y, sample=sample)
            with torch.no_grad():
                return split.gathered(own[name](*rows_of(split, x, y)))

        return call

    model.__dict__.update(forward=forward, embed=shared("embed"), reconstruct=shared("reconstruct"))
    try:
        yield
    finally:
        for name in own:
            del model.__dict__[name]


def rows_of(split: Split, x: Any, y: Tensor | None) -> tuple[Any, Tensor | None]:
    """This process's share of a batch."""
    return x[split.rows], None if y is None else y[split.rows]


def first_rows(x: Tensor, y: Tensor | None, count: int) -> tuple[Tensor, Tensor | None]:
    """A batch of `count`, the first example over and over."""
    return x[:1].expand(count, *x.shape[1:]), None if y is None else y[:1].expand(count, *y.shape[1:])
