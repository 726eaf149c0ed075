"""Order: a random order of rows in chunks, computed where it is looked at, in memory that does not grow with the rows.

Chunks are shuffled, then all rows of a window of successive chunks. A chunk of one row, an image or a long array, makes
that a full permutation.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

WINDOW_BYTES = 128 * 2**20
"""Examples that are shuffled among each other. Fixed, because the order depends on it, and an order must be the same
on every machine; twice as much is held while a window is used and the next one is read."""
MIN_CHUNKS = 4


def chunks_of_window(ends: np.ndarray, row_bytes: int) -> int:
    """How many successive chunks are shuffled among each other.

    Args:
        ends: (C + 1,) of `Rows`.
        row_bytes: of one example.
    """
    used = max(1, int(np.count_nonzero(np.diff(ends))))
    return min(used, max(MIN_CHUNKS, int(WINDOW_BYTES * used / max(1, int(ends[-1]) * row_bytes))))


class Order:
    """Every position once, in an order that depends on the generator's state alone.

    Args:
        ends: (C + 1,) of `Rows`.
        window: successive chunks that are shuffled among each other.
        generator: of the order; the default generator when None.

    Example:
        >>> order = Order(np.array([0, 2, 4, 6]), 2, torch.Generator().manual_seed(0))
        >>> sorted(order[0:6].tolist())
        [0, 1, 2, 3, 4, 5]
        >>> [len(index) for index in order.split(4)]
        [4, 2]
    """

    def __init__(self, ends: np.ndarray, window: int, generator: torch.Generator | None = None) -> None:
        used = np.flatnonzero(np.diff(ends))
        chunks = used[torch.randperm(len(used), generator=generator).numpy()]
        self.key = int(torch.randint(2**62, (), generator=generator))
        self.window, self.firsts = window, ends[chunks]
        self.counts = ends[chunks + 1] - self.firsts
        self.bounds = np.concatenate(
            [[0], np.cumsum(np.add.reduceat(self.counts, np.arange(0, len(chunks), window)))]
        )
        self._last: tuple[int, Tensor] | None = None

    def __len__(self) -> int:
        return int(self.bounds[-1])

    def to(self, device: object) -> Order:
        """Itself: what reads files wants positions where the files are."""
        return self

    def __getitem__(self, which: slice) -> Tensor:
        """Positions (n,) int64 of a stretch of the order."""
        start, stop, _ = which.indices(len(self))
        if stop <= start:
            return torch.empty(0, dtype=torch.int64)
        first, last = np.searchsorted(self.bounds, [start, stop - 1], "right") - 1
        pieces = []
        for k in range(int(first), int(last) + 1):
            low, high = int(self.bounds[k]), int(self.bounds[k + 1])
            pieces.append(self._window(k)[max(start, low) - low : min(stop, high) - low])
        return torch.cat(pieces)

    def split(self, size: int) -> Batches:
        """Stretches of that size, the last one shorter, as `Tensor.split` makes them, each when it is asked for."""
        return Batches(self, size, 0)

    def _window(self, k: int) -> Tensor:
        """The positions of a window in their order."""
        if self._last is None or self._last[0] != k:
            some = slice(k * self.window, (k + 1) * self.window)
            counts = self.counts[some]
            starts = np.repeat(self.firsts[some] - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts)
            positions = torch.from_numpy(starts + np.arange(len(starts)))
            generator = torch.Generator().manual_seed((self.key + k * 7_919) % 2**63)
            self._last = k, positions[torch.randperm(len(positions), generator=generator)]
        return self._last[1]


class Batches:
    """A sequence of index tensors that are made when they are asked for.

    Args:
        order: what they are stretches of.
        size: of each, the last one shorter.
        skipped: how many to leave out at the beginning.
    """

    def __init__(self, order: Order, size: int, skipped: int) -> None:
        self.order, self.size, self.skipped = order, size, skipped

    def __len__(self) -> int:
        return max(0, -(-len(self.order) // self.size) - self.skipped)

    def __iter__(self) -> Iterator[Tensor]:
        for start in range(self.skipped * self.size, len(self.order), self.size):
            yield self.order[start : start + self.size]

    def __getitem__(self, which: slice) -> Batches:
        """All batches behind the first few: `batches[step:]`."""
        assert which.stop is None
        assert which.step is None
        return Batches(self.order, self.size, self.skipped + (which.start or 0))
