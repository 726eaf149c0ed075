"""Rows: examples that stay in their files and are read a chunk at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from vaekit.data.stream.readers import Readers

IN_FLIGHT = 64
"""Chunks that a single read asks for at a time."""


@dataclasses.dataclass(eq=False)
class Rows:
    """N examples of one shape in files. A chunk is what is worth reading in one go: a stretch of an array, a row group,
    a recording, an image.

    Memory: 8 bytes a chunk and a bit a row, whatever the examples hold.

    Args:
        readers: read them.
        tasks: what the decoder is told of each chunk, JSON-ready; C of them.
        starts: (C + 1,) the first row of each chunk, and the number of all rows.
        shape: of one example.
        dtype: of its raw values.
        mask: which of all rows these are, a bit for each as `numpy.packbits` packs them; None for all.
    """

    readers: Readers
    tasks: Sequence[Any]
    starts: np.ndarray
    shape: tuple[int, ...]
    dtype: np.dtype
    mask: np.ndarray | None = None

    def __post_init__(self) -> None:
        counts = np.diff(self.starts)
        if self.mask is not None:
            counts = np.add.reduceat(self.taken(), self.starts[:-1], dtype=np.int64)
        self.ends = np.concatenate([[0], np.cumsum(counts)])

    def __len__(self) -> int:
        return int(self.ends[-1])

    @property
    def row_bytes(self) -> int:
        """Bytes of one example in memory."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize

    def __getitem__(self, which: np.ndarray) -> Rows:
        """Some of these rows, in the same order: a mask (N,), or increasing positions."""
        chosen = which if which.dtype == bool else np.zeros(len(self), bool)
        if which.dtype != bool:
            chosen[which] = True
        if self.mask is not None:
            whole = self.taken()
            whole[whole] = chosen
            chosen = whole
        return dataclasses.replace(self, mask=np.packbits(chosen))

    def taken(self) -> np.ndarray:
        """Which of all rows these are, bool."""
        total = int(self.starts[-1])
        return np.ones(total, bool) if self.mask is None else np.unpackbits(self.mask, count=total).view(bool)

    def locate(self, index: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The chunk of each position, and its place among those rows of the chunk that are these."""
        chunks = np.searchsorted(self.ends, index, "right") - 1
        return chunks, index - self.ends[chunks]

    def spread(self, number: int, least: int = 8) -> np.ndarray:
        """Positions of some rows, always the same ones, from at least so many chunks far from each other."""
        if number >= len(self):
            return np.arange(len(self))
        used = np.flatnonzero(np.diff(self.ends))
        wanted = max(least, -(-number * len(used) // max(1, len(self))))
        chunks = used[np.linspace(0, len(used) - 1, min(len(used), wanted)).astype(np.int64)]
        firsts, counts = self.ends[chunks], np.diff(self.ends)[chunks]
        each = -(-number // len(chunks))
        found = [first + np.arange(min(each, n)) for first, n in zip(firsts.tolist(), counts.tolist())]
        return np.concatenate(found)[:number]

    def load(self, chunks: Sequence[int]) -> list[np.ndarray]:
        """The rows of some chunks; to be called by a thread of the readers."""
        made = self.readers.decode([self.tasks[chunk] for chunk in chunks])
        return made if self.mask is None else [v[self.bits(c)] for c, v in zip(chunks, made, strict=True)]

    def gather(self, index: np.ndarray) -> np.ndarray:
        """The rows at any positions (B,), in that order, in the memory of B rows and a few chunks."""
        chunks, ranks = self.locate(index)
        order = np.argsort(chunks, kind="stable")
        found, first = np.unique(chunks[order], return_index=True)
        places = np.split(order, first[1:])
        out = np.empty((len(index), *self.shape), self.dtype)
        for start in range(0, len(found), IN_FLIGHT):
            some = slice(start, start + IN_FLIGHT)
            futures = [self.readers.submit(self.load, [int(chunk)]) for chunk in found[some]]
            for place, future in zip(places[some], futures, strict=True):
                out[place] = future.result()[0][ranks[place]]
        return out

    def bits(self, chunk: int) -> np.ndarray:
        """Which rows of a chunk these are, (n,) bool."""
        assert self.mask is not None
        start, stop = int(self.starts[chunk]), int(self.starts[chunk + 1])
        bits = np.unpackbits(self.mask[start // 8 : -(-stop // 8)])
        return bits[start % 8 : start % 8 + stop - start].view(bool)
