"""Window: what is held of rows in files while an order is walked through, read ahead of its use."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future

import numpy as np
import torch
from torch import Tensor

from vaekit.data.stream.order import chunks_of_window
from vaekit.data.stream.rows import Rows

TASK_BYTES, MAX_TASK = 2**18, 32
"""Small chunks are read several at a time, so that asking costs less than reading."""


class Window:
    """A buffer with a slot for each of so many chunks. A chunk enters when a batch soon to come needs it and leaves
    when no batch known by then does. What is read never depends on when: only the memory and the waiting do.

    Args:
        rows: what is read.
        chunks: how many are held; by default two windows of an `Order`, one in use and the next one.
    """

    def __init__(self, rows: Rows, chunks: int | None = None) -> None:
        self.rows = rows
        counts = np.diff(rows.ends)
        chunks = 2 * chunks_of_window(rows.ends, rows.row_bytes) if chunks is None else chunks
        slots = min(chunks, max(1, int(np.count_nonzero(counts))))
        self.width = int(counts.max(initial=1))
        self.values = torch.from_numpy(np.empty((slots * self.width, *rows.shape), rows.dtype))
        self.slots = np.full(len(counts), -1, np.int32)
        self.free = list(range(slots))
        self.uses = np.zeros(len(counts), np.int32)
        self.is_open = True
        self.pending: dict[int, Future[None]] = {}
        self.group = max(1, min(MAX_TASK, TASK_BYTES // max(1, rows.row_bytes * self.width)))

    def ahead(self, indices: Iterable[Tensor]) -> Iterator[Tensor]:
        """The same index tensors, each (B,), while what the next ones need is being read."""
        queue: deque[tuple[Tensor, np.ndarray]] = deque()
        source = iter(indices)
        upcoming = next(source, None)
        try:
            while queue or upcoming is not None:
                while upcoming is not None and (needs := self._admit(upcoming)) is not None:
                    queue.append((upcoming, needs))
                    upcoming = next(source, None)
                if queue:
                    index, needs = queue.popleft()
                    yield index
                    self._release(needs)
                elif upcoming is not None:  # more chunks than there are slots: it is read by itself
                    yield upcoming
                    upcoming = next(source, None)
        finally:
            self.close()

    def close(self) -> None:
        """Hold nothing any more: what is asked of it later is read without it."""
        self.is_open = False
        self.slots.fill(-1)
        for future in self.pending.values():
            future.cancel()

    def read(self, index: Tensor) -> Tensor | None:
        """The rows at some positions (B, *shape); None where they are not all held.

        Raises:
            DataLostError: a file is gone or damaged.
        """
        chunks, ranks = self.rows.locate(index.numpy())
        slots = self.slots[chunks]
        if (slots < 0).any():
            return None
        if self.pending:
            for chunk in set(chunks.tolist()) & self.pending.keys():
                try:
                    self.pending.pop(chunk).result()
                except Exception:
                    self.close()  # whoever goes on must not take what was never read
                    raise
        return self.values.index_select(0, torch.from_numpy(slots * np.int64(self.width) + ranks))

    def _admit(self, index: Tensor) -> np.ndarray | None:
        """Ask for what a batch needs, and return its chunks; None where there is no room yet."""
        if not self.is_open:
            return None
        needs = np.unique(self.rows.locate(index.numpy())[0])
        missing = needs[self.slots[needs] < 0].tolist()
        if len(missing) > len(self.free):
            return None
        self.uses[needs] += 1
        for start in range(0, len(missing), self.group):
            chunks = missing[start : start + self.group]
            slots = [self.free.pop() for _ in chunks]
            self.slots[chunks] = slots
            future = self.rows.readers.submit(self._fill, chunks, slots)
            self.pending.update(dict.fromkeys(chunks, future))
        return needs

    def _fill(self, chunks: list[int], slots: list[int]) -> None:
        values = self.values.numpy()
        for slot, rows in zip(slots, self.rows.load(chunks), strict=True):
            values[slot * self.width : slot * self.width + len(rows)] = rows

    def _release(self, needs: np.ndarray) -> None:
        """Give back the slots of chunks that no batch waits for."""
        if not self.is_open:
            return
        self.uses[needs] -= 1
        for chunk in needs[self.uses[needs] == 0].tolist():
            if chunk in self.pending:  # the batch was passed over; nobody may write into a slot that is free
                self.pending.pop(chunk).exception()
            self.free.append(int(self.slots[chunk]))
            self.slots[chunk] = -1
