"""StreamedPart: a part whose raw values stay in files; it reads like any other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from vaekit.data.dataset import Part
from vaekit.data.source import Block
from vaekit.data.stream.order import Order, chunks_of_window
from vaekit.data.stream.rows import Rows
from vaekit.data.stream.window import Window
from vaekit.schema import Schema

BATCHES_AHEAD = 4
"""Batches that are held where rows are read in their order."""
KEPT_BYTES = 64 * 2**20
"""A part of so few bytes, as the validation part mostly is, stays in memory once it has been read."""


def streamed(block: Block, schema: Schema, binarize: Literal["none", "dynamic"], seed: int) -> StreamedPart:
    """The part of a block whose raw values are `Rows`."""
    rows = block.raw
    assert isinstance(rows, Rows)
    raw = torch.from_numpy(np.empty((0, *rows.shape), rows.dtype))
    # One of millions of labels in as few bytes as it needs.
    y = (
        None
        if block.y is None
        else torch.from_numpy(block.y.astype(np.min_scalar_type(-1 - schema.num_classes)))
    )
    factors = None if block.factors is None else torch.from_numpy(block.factors)
    return StreamedPart(raw, y, block.names, schema, binarize, seed, factors, rows=rows)


@dataclass(eq=False)
class StreamedPart(Part):
    """One of train, valid and test, in files.

    `raw` is empty, (0, *shape): it has the type and the device of the values that are read, and none of them.

    Args:
        rows: where the values are.
        convert: raw values (B, *shape) as the files have them to those that the schema speaks of.
    """

    rows: Rows = None  # type: ignore[assignment]  # fields with defaults come before it
    convert: Callable[[Tensor], Tensor] | None = None
    _windows: list[Window] = dataclasses.field(default_factory=list, init=False, repr=False)
    _kept: Part | None = dataclasses.field(default=None, init=False, repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def nbytes(self) -> int:
        return len(self) * self.rows.row_bytes

    def read(self, index: Tensor) -> Tensor:
        """Raw values at some positions: out of what is held of an order that is walked through, or from the files."""
        index = index.cpu()
        found = next(
            (raw for window in reversed(self._windows) if (raw := window.read(index)) is not None), None
        )
        raw = torch.from_numpy(self.rows.gather(index.numpy())) if found is None else found
        raw = raw if self.convert is None else self.convert(raw)
        return raw.to(self.raw.device, self.raw.dtype)

    def order(self, generator: torch.Generator | None = None) -> Any:
        """A random order that is computed where it is looked at: chunks, then the rows of a window of chunks."""
        return Order(self.rows.ends, chunks_of_window(self.rows.ends, self.rows.row_bytes), generator)

    def ahead(self, indices: Iterable[Tensor]) -> Iterator[Tensor]:
        """The same index tensors, while what the next ones need is being read."""
        yield from self._through(Window(self.rows), indices)

    def _through(self, window: Window, indices: Iterable[Tensor]) -> Iterator[Tensor]:
        self._windows.append(window)
        try:
            yield from window.ahead(indices)
        finally:
            self._windows.remove(window)

    def raws(self, size: int) -> Iterator[Tensor]:
        if self.nbytes <= KEPT_BYTES:
            if self._kept is None:
                self._kept = self.take(torch.arange(len(self)))
            yield from self._kept.raws(size)
            return
        steps = (torch.arange(s, min(s + size, len(self))) for s in range(0, len(self), size))
        chunks_of_batch = int(-(-size * np.count_nonzero(np.diff(self.rows.ends)) // len(self))) + 1
        for index in self._through(Window(self.rows, BATCHES_AHEAD * chunks_of_batch), steps):
            yield self.read(index)

    def spread(self, number: int) -> Tensor:
        """Raw values of up to `number` examples from a few chunks far from each other, always the same ones."""
        return self.read(torch.from_numpy(self.rows.spread(number)))

    def in_memory(self, limit: int, seed: int = 0) -> Part:
        number = min(limit, len(self), max(1, KEPT_BYTES // self.rows.row_bytes))
        return self.take(self.order(torch.Generator().manual_seed(seed))[:number].sort().values)

    def take(self, index: Tensor) -> Part:
        """The examples at `index`, in memory where they are few; else still in their files, in increasing order."""
        index = index.cpu()
        names = None if self.names is None else [self.names[i] for i in index.tolist()]
        if len(index) * self.rows.row_bytes > KEPT_BYTES and bool((index.diff() > 0).all()):
            y, factors = (None if v is None else v[index.to(v.device)] for v in (self.y, self.factors))
            rows = self.rows[index.numpy()]
            return dataclasses.replace(self, rows=rows, y=y, names=names, factors=factors)
        y, factors = (None if v is None else v[index.to(v.device)].long() for v in (self.y, self.factors))
        return Part(self.read(index), y, names, self.schema, self.binarize, self.seed, factors)
