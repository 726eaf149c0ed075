"""Tiny runs that the tests of the verbs share, and one way to call the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vaekit.cli import main

TINY = ["digits", "--epochs", "1", "--limit", "200", "--batch-size", "50", "--quiet"]
RUNS = {
    "vae": ["--recipe", "vae", "--hidden", "16", "--latent", "4"],
    "cond": ["--recipe", "vae", "--hidden", "16", "--latent", "4", "--conditional"],
    "ae": ["--recipe", "ae", "--hidden", "16", "--latent", "4"],
    "hvae": ["--recipe", "hvae", "--hidden", "16", "--latent", "3"],
    "vqvae": ["--recipe", "vqvae", "--width", "4", "--num-codes", "8", "--code-dim", "4"],
}


@dataclass
class Done:
    """What a call of the command line did."""

    code: int
    out: str
    err: str

    @property
    def facts(self) -> dict[str, Any]:
        """The one JSON object on standard output."""
        return json.loads(self.out)


@pytest.fixture
def vaekit(capsys: pytest.CaptureFixture[str]) -> Callable[..., Done]:
    """Call the command line in this process."""

    def call(*arguments: object) -> Done:
        capsys.readouterr()
        code = main([str(a) for a in arguments])
        captured = capsys.readouterr()
        return Done(code, captured.out, captured.err)

    return call


@pytest.fixture
def refused(vaekit: Callable[..., Done]) -> Callable[..., str]:
    """Call the command line with something that it must refuse: exit code 2, and one line on standard error."""

    def call(*arguments: object) -> str:
        done = vaekit(*arguments)
        assert done.code == 2, done.err
        lines = [line for line in done.err.splitlines() if line.startswith("vaekit: ")]
        assert len(lines) == 1
        assert done.err.rstrip().endswith(lines[0]), "the sentence is the last and only line about it"
        assert "Traceback" not in done.err
        return lines[0].removeprefix("vaekit: ")

    return call


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny run of each kind of model, trained once; tests only read it."""
    folder = tmp_path_factory.mktemp("runs")
    for name, options in RUNS.items():
        assert main(["train", *TINY, *options, "--out", str(folder / name), "--json"]) == 0
    values = np.random.default_rng(0).normal(5.0, 3.0, (60, 5))
    np.save(folder / "values.npy", values)
    table = ["--epochs", "1", "--hidden", "8", "--latent", "2", "--batch-size", "10", "--quiet", "--json"]
    assert main(["train", str(folder / "values.npy"), *table, "--out", str(folder / "table")]) == 0
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def start(*arguments: object, cwd: Path, **keywords: Any) -> subprocess.Popen[str]:
    """Start the command line as a process of its own."""
    command = [sys.executable, "-m", "vaekit", *(str(a) for a in arguments)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **keywords.pop("env", {})}
    return subprocess.Popen(
        command, cwd=cwd, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **keywords
    )  # fmt: skip


@pytest.fixture
def process() -> Callable[..., subprocess.Popen[str]]:
    """`start`, for tests that need a true process."""
    return start
