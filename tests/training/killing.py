"""Trainings in processes of their own that are killed, for the resume tests."""

from __future__ import annotations

import builtins
import hashlib
import os
import signal
from pathlib import Path
from typing import Any

SAME_FILES = ("model.safetensors", "checkpoints/last.safetensors", "metrics.jsonl", "replay.safetensors")


def hashes(run: Path) -> dict[str, str]:
    """sha256 of everything that a resumed run must end with."""
    return {name: hashlib.sha256((run / name).read_bytes()).hexdigest() for name in SAME_FILES}


def train_or_resume(out: str, options: dict[str, Any]) -> None:
    """Start the run at `out`, or continue it where there is one; the pictures are left out."""
    import torch

    import vaekit
    from vaekit import api

    torch.set_num_threads(1)
    api.finish = lambda *args: None
    if Path(out, "config.toml").exists():
        vaekit.resume(out, quiet=True, device="cpu")
    else:
        vaekit.train("digits", out=out, quiet=True, device="cpu", **options)


def resume_without_random_state(out: str, options: dict[str, Any]) -> None:
    """The control: everything is restored but the random state."""
    from vaekit.training import loop

    loop.restore_random_state = lambda *args: None
    train_or_resume(out, options)


def train_and_die(out: str, options: dict[str, Any], at_operation: int) -> None:
    """Train or resume, and kill this process at the n-th file operation: before a call, or with half of it written.

    Returns normally where there are fewer operations.
    """
    count = 0

    def tick() -> bool:
        nonlocal count
        count += 1
        return count == at_operation

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    real_open, real_fsync, real_replace, real_rename = builtins.open, os.fsync, os.replace, os.rename

    class HalfWritten:
        def __init__(self, file: Any) -> None:
            self.file = file

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *args: object) -> None:
            self.file.close()

        def write(self, content: bytes) -> int:
            if tick():
                self.file.write(content[: len(content) // 2])
                self.file.flush()
                die()
            return self.file.write(content)

        def truncate(self, size: int) -> int:
            if tick():
                die()
            return self.file.truncate(size)

    def counting_open(file: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if isinstance(file, Path) and str(file).startswith(out) and mode != "r":
            if tick():
                die()
            return HalfWritten(real_open(file, mode, *args, **kwargs))
        return real_open(file, mode, *args, **kwargs)

    def counting(function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            if tick():
                die()
            return function(*args, **kwargs)

        return call

    builtins.open = counting_open
    os.fsync, os.replace, os.rename = counting(real_fsync), counting(real_replace), counting(real_rename)
    train_or_resume(out, options)


def train_and_signal(out: str, options: dict[str, Any], place: str) -> None:
    """Send this process SIGTERM at a chosen moment of the second epoch."""
    from vaekit.training import ema, loop

    def term() -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    current: list[Any] = []

    def in_second_epoch() -> bool:
        return bool(current) and current[0].progress.epoch == 1

    real_step, real_validate, real_write = loop.Training.step, loop.Training.validate, ema.EMA._write

    def step(self: Any, index: Any) -> None:
        current[:] = [self]
        real_step(self, index)
        if place == "last step" and in_second_epoch() and self.progress.step == self.steps_per_epoch:
            term()

    def validate(self: Any, interrupt: Any) -> Any:
        if place == "before validation" and in_second_epoch():
            term()
        found = real_validate(self, interrupt)
        if place == "after validation" and in_second_epoch():
            term()
        return found

    def write(self: Any, values: Any) -> None:
        if place == "averaging" and in_second_epoch():
            term()
        real_write(self, values)

    loop.Training.step, loop.Training.validate, ema.EMA._write = step, validate, write
    train_or_resume(out, options)
