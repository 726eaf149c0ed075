"""Several processes that train and measure together, as torchrun starts them, for the tests of it."""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import os
import signal
import socket
from pathlib import Path
from typing import Any

PRELOADED = (
    "vaekit.api",
    "vaekit.cli",
    "vaekit.data",
    "sklearn.datasets",
    "torch._dynamo",
    "torch.distributed.fsdp",
)


class StoppedError(BaseException):
    """A job that was to stop on its way has done so; no error, so that nobody tells the others of it."""


def job(kind: str, *arguments: Any, **options: Any) -> tuple[str, tuple[Any, ...], dict[str, Any]]:
    """What `carry_out` is to do: the name of a function below, and what it takes."""
    return kind, arguments, options


def together(num: int, jobs: list[Any], folder: Path) -> list[tuple[int, str]]:
    """Let `num` processes do the jobs; the exit code of each, and what it wrote on standard error."""
    context = multiprocessing.get_context("forkserver")  # children of a process that has imported vaekit once
    context.set_forkserver_preload([*PRELOADED])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    said = [folder / f"stderr-{port}-{rank}" for rank in range(num)]
    children = [context.Process(target=carry_out, args=(r, num, port, jobs, said[r])) for r in range(num)]
    for child in children:
        child.start()
    for child in children:
        child.join(90)
        if child.is_alive():
            child.kill()
    return [(child.exitcode or 0, path.read_text()) for child, path in zip(children, said, strict=True)]


def carry_out(rank: int, num: int, port: int, jobs: list[Any], said: Path) -> None:
    """In a process of its own: the jobs, one after the other, until one fails."""
    os.dup2(os.open(said, os.O_CREAT | os.O_WRONLY), 2)
    if num > 1:
        os.environ.update(
            RANK=str(rank),
            LOCAL_RANK=str(rank),
            WORLD_SIZE=str(num),
            MASTER_ADDR="127.0.0.1",
            MASTER_PORT=str(port),
        )
    import torch

    from vaekit import api
    from vaekit.training.loop import Training

    torch.set_num_threads(1)
    api.finish = api.replace_prior = lambda *args: None
    real = Training.step
    for kind, arguments, options in jobs:
        Training.step = real  # type: ignore[method-assign]
        with contextlib.suppress(StoppedError):
            if code := globals()[kind](*arguments, **options):
                os._exit(code)


def train(out: str, *arguments: str) -> int:
    """Train on a few digits, or continue where the run is there."""
    from vaekit.cli import main

    how = ["--resume", out] if Path(out, "config.toml").exists() else ["digits", "--out", out, *arguments]
    with contextlib.redirect_stdout(io.StringIO()):
        return main(["train", *how, "--device", "cpu", "--quiet"])


def train_until(out: str, *arguments: str, epoch: int, step: int) -> int:
    """The same, given up on every process after a checkpoint at this place."""
    from vaekit.training.loop import Training

    real = Training.step

    def stopping(self: Any, index: Any) -> None:
        real(self, index)
        if (self.progress.epoch, self.progress.step) == (epoch, step):
            self.save()
            raise StoppedError

    Training.step = stopping  # type: ignore[method-assign]
    return train(out, *arguments)


def train_and_die(out: str, *arguments: str, rank: int, epoch: int, step: int) -> int:
    """The same, but one process is killed at this place."""
    from vaekit.training.loop import Training

    real = Training.step

    def dying(self: Any, index: Any) -> None:
        if (self.progress.epoch, self.progress.step) == (epoch, step) and os.environ["RANK"] == str(rank):
            os.kill(os.getpid(), signal.SIGKILL)
        real(self, index)

    Training.step = dying  # type: ignore[method-assign]
    return train(out, *arguments)


def verb(answer: str, *arguments: str) -> int:
    """Any verb; what it answers goes into a file."""
    from vaekit.cli import main

    with contextlib.redirect_stdout(io.StringIO()) as out:
        code = main([*arguments, "--device", "cpu", "--json"])
    if os.environ.get("RANK", "0") == "0":
        Path(answer).write_text(json.dumps(json.loads(out.getvalue())))
    return code
