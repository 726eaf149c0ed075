"""A worker process that decodes: tasks come as lines of JSON, arrays go back as their bytes. Imports no torch."""

from __future__ import annotations

import json
import math
import os
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, BinaryIO

import numpy as np

from vaekit.data.stream.decoder import Decoder, from_config, lost
from vaekit.errors import DataLostError, UserError

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "POLARS_MAX_THREADS"), "1"
)


class Worker:
    """The near end of a worker process. It leaves when its input ends, so it never outlives whoever started it.

    Args:
        decoder: what it does.
    """

    def __init__(self, decoder: Decoder) -> None:
        # Where vaekit was found here it is found there, however this process came by it.
        found = [str(Path(__file__).parents[3]), *filter(None, [os.environ.get("PYTHONPATH")])]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "vaekit.data.stream.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(found)},
        )
        self._first: list[Any] = [decoder.to_config()]

    def decode(self, tasks: list[Any]) -> list[np.ndarray]:
        """The chunks of these tasks.

        Raises:
            DataLostError: a file is gone or damaged, or reading it killed the process.
            UserError: whatever else the decoder refuses.
        """
        try:
            while self._first:
                self._send(self._first.pop())
            self._send(tasks)
            assert self.process.stdout is not None
            answer = json.loads(self.process.stdout.readline())
            if "error" in answer:
                raise (DataLostError if answer["lost"] else UserError)(answer["error"])
            return [_receive(self.process.stdout, *form) for form in answer["arrays"]]
        except (OSError, EOFError, json.JSONDecodeError):
            raise lost(
                _file_of(tasks[0]), "the process that decoded it, or one of the next files, died"
            ) from None

    def close(self) -> None:
        """End the process."""
        for pipe in (self.process.stdin, self.process.stdout):
            with suppress(OSError):
                if pipe is not None:
                    pipe.close()
        try:
            self.process.wait(1)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    def _send(self, message: Any) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()


def _receive(pipe: IO[bytes], shape: list[int], dtype: str) -> np.ndarray:
    """One array from its bytes."""
    values = np.empty(shape, np.dtype(dtype))
    room = values.data.cast("B") if values.size else memoryview(b"")
    at, size = 0, math.prod(shape) * values.itemsize
    while at < size:
        count = pipe.readinto(room[at:])  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        at += count
    return values


def _file_of(task: Any) -> str:
    return str(task if isinstance(task, str) else task[0])


def main(source: BinaryIO, target: BinaryIO) -> None:
    """The far end: decode until the input ends."""
    decoder = from_config(json.loads(source.readline()))
    for line in iter(source.readline, b""):
        answer: dict[str, Any]
        arrays: list[np.ndarray] = []
        try:
            arrays = [np.ascontiguousarray(decoder.decode(task)) for task in json.loads(line)]
            answer = {"arrays": [[a.shape, a.dtype.str] for a in arrays]}
        except UserError as error:
            answer = {"error": str(error), "lost": isinstance(error, DataLostError)}
        target.write(json.dumps(answer).encode() + b"\n")
        for values in arrays:
            if values.size:
                target.write(values.data.cast("B"))
        target.flush()


if __name__ == "__main__":
    # Ctrl-C reaches every process of a terminal; the one that trains decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not get among the bytes
    with suppress(BrokenPipeError):
        main(sys.stdin.buffer, pipe)
