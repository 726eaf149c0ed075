"""Readers: threads that read chunks, each by itself or, where decoding is work, by a worker process of its own."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from vaekit.data.stream.decoder import Decoder
from vaekit.data.stream.worker import Worker

MAX_WORKERS = 16
FEW = 2
"""Threads that wait for a disk."""


class Readers:
    """Reads for all parts of a data set. Nothing is started before the first chunk is asked for.

    Args:
        decoder: what makes the values of a chunk.
        number: of threads; by default one for each core where they decode.
    """

    def __init__(self, decoder: Decoder, number: int | None = None) -> None:
        self.decoder = decoder
        self.number = number or (min(MAX_WORKERS, cores()) if decoder.in_processes else FEW)
        self._pool: ThreadPoolExecutor | None = None
        self._own = threading.local()
        self._workers: list[Worker] = []
        weakref.finalize(self, _close, self._workers)

    def submit(self, work: Callable[..., Any], *args: Any) -> Future[Any]:
        """Let one of the threads do `work`, which may call `decode`."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.number, "vaekit-reader")
        return self._pool.submit(work, *args)

    def decode(self, tasks: list[Any]) -> list[np.ndarray]:
        """The chunks of these tasks; to be called by a thread of `submit`.

        Raises:
            DataLostError: a file is gone or damaged.
        """
        if not self.decoder.in_processes:
            return [self.decoder.decode(task) for task in tasks]
        worker = getattr(self._own, "worker", None)
        if worker is not None and worker.process.poll() is not None:
            self._workers.remove(worker)
            worker.close()
            worker = None
        if worker is None:
            worker = self._own.worker = Worker(self.decoder)
            self._workers.append(worker)
        return worker.decode(tasks)


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _close(workers: list[Worker]) -> None:
    for worker in workers:
        worker.close()
