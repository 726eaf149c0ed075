"""The command line as a process: exit codes, signals, closed pipes, full disks, debugging."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from vaekit.cli import app, main

Call = Callable[..., Any]
LONG = ["--recipe", "vae", "--hidden", 16, "--epochs", 100_000, "--compile", "never"]


def wait_for(path: Path, running: subprocess.Popen[str], seconds: float = 60.0) -> None:
    """Until a process has made a file."""
    end = time.monotonic() + seconds
    while not path.exists():
        assert running.poll() is None, running.communicate()[1]
        assert time.monotonic() < end, f"{path} did not appear"
        time.sleep(0.02)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_training_saves_and_leaves(
    number: int, code: int, here: Path, process: Call, vaekit: Call
) -> None:
    running = process("train", "digits", *LONG, "--out", "run", cwd=here)
    wait_for(here / "run" / "metrics.jsonl", running)
    second = vaekit("train", "--resume", "run")
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    assert running.returncode == code, err
    assert out == ""
    assert "Traceback" not in err
    assert second.code == 2
    assert "being written by another process" in second.err
    assert "vaekit train --resume run" in err
    assert (here / "run" / "checkpoints" / "last.safetensors").exists()
    assert not list(here.rglob("*.tmp"))
    assert vaekit("show", "run", "--json").facts["state"] == "stopped"


def test_a_reader_that_leaves_is_no_error(runs: Path, here: Path) -> None:
    command = f"{sys.executable} -m vaekit runs {runs} --json | head -c 1"
    done = subprocess.run(["bash", "-c", command], cwd=here, capture_output=True, text=True, check=False)
    assert done.stdout == "{"
    assert done.stderr == ""


def test_a_closed_pipe_is_quiet(runs: Path, here: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(
        [sys.executable, "-m", "vaekit", "runs", str(runs)], stdout=write, stderr=subprocess.PIPE, cwd=here, check=False
    )  # fmt: skip
    os.close(write)
    assert done.returncode == 141
    assert done.stderr == b""


def test_a_full_disk_keeps_what_was_there(runs: Path, here: Path, process: Call) -> None:
    """Files may not grow beyond a limit, which is what a full disk looks like to a program."""
    before = {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()}
    (here / "old.npz").write_bytes(b"precious")

    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    sampling = process(
        "sample", runs / "vae", "-n", 500, "-o", "old.npz", "--force", cwd=here, preexec_fn=small_files
    )
    out, err = sampling.communicate(timeout=60)
    assert sampling.returncode == 2, err
    assert err.startswith("vaekit: old.npz could not be written (File too large); free space")
    assert err.count("\n") == 1
    assert out == ""
    assert (here / "old.npz").read_bytes() == b"precious"
    assert [path.name for path in here.iterdir()] == ["old.npz"]
    assert {path: path.read_bytes() for path in runs.rglob("*") if path.is_file()} == before


def test_training_on_a_full_disk_says_so(here: Path, process: Call) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))

    training = process("train", "digits", *LONG, "--out", "run", "--quiet", cwd=here, preexec_fn=small_files)
    _, err = training.communicate(timeout=60)
    assert training.returncode == 2, err
    assert "could not be written (File too large)" in err
    assert "Traceback" not in err
    assert not list(here.rglob("*.tmp"))


def test_a_fault_of_ours_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(tokens: Any) -> Any:
        raise KeyError("latent")

    monkeypatch.setattr(app, "build", broken)
    assert main(["info"]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "KeyError: 'latent'" in said
    assert "VAEKIT_DEBUG=1" in said
    monkeypatch.setenv("VAEKIT_DEBUG", "1")
    with pytest.raises(KeyError):
        main(["info"])


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (MemoryError(), 2, "The memory ran out; choose a smaller --batch-size"),
        (torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB"), 2, "The memory ran out"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: 8 bytes"), 2, "The memory ran out"),
        (OSError(28, "No space left on device", "x.bin"), 2, "x.bin: No space left on device"),
        (RuntimeError("two\nlines"), 1, "RuntimeError: two lines"),
    ],
)
def test_other_errors_are_sentences_too(error: Exception, code: int, words: str) -> None:
    text, given = app.sentence_and_code(error)
    assert given == code
    assert words in text
    assert "\n" not in text


def test_the_signal_handler_is_put_back(capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert main(["runs", "--json"]) == 0
    assert signal.getsignal(signal.SIGTERM) == before
