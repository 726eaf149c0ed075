"""The installer's choice of torch: no CUDA where no GPU is."""

from __future__ import annotations

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[2]
BOUNDS = ">=2.8,<2.14"
LISTING = "torch (2.15.0)\nAvailable versions: 2.15.0, 2.14.0+cpu, 2.13.0, 2.9.1+cpu, 2.12.0+cpu, 2.7.0+cpu\n"


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """scripts/install.py on a Linux machine without torch, GPU, or network."""
    spec = importlib.util.spec_from_file_location("install", ROOT / "scripts" / "install.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module.platform, "system", lambda: "Linux")
    monkeypatch.setattr(module, "has_nvidia_gpu", lambda: False)
    monkeypatch.setattr(module, "installed_torch", lambda: None)
    monkeypatch.setattr(module, "answers", lambda url: False)
    offer(module, monkeypatch, "")
    return module


def offer(module: ModuleType, monkeypatch: pytest.MonkeyPatch, listing: str) -> None:
    reply = subprocess.CompletedProcess([], 0, stdout=listing)
    monkeypatch.setattr(module, "pip", lambda *a, **k: reply)


def test_bounds_come_from_pyproject(install: ModuleType) -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert install.torch_bounds(text).startswith(">=2.")
    assert install.torch_bounds('[project]\ndependencies = ["numpy", "torch >=2.8, <3"]') == ">=2.8,<3"


@pytest.mark.parametrize(
    ("version", "kept"),
    [
        ("2.8.0", True),
        ("2.8", True),
        ("2.13.1+cpu", True),
        ("2.14.0", False),
        ("2.7.9", False),
        ("3.0.0", False),
    ],
)
def test_versions_are_compared_as_numbers(install: ModuleType, version: str, kept: bool) -> None:
    assert install.is_within(version, BOUNDS) is kept


def test_the_newest_cpu_build_within_the_bounds_is_pinned(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(install, monkeypatch, LISTING)
    assert install.torch_arguments(BOUNDS)[0] == ["torch==2.12.0+cpu"]


def test_the_public_cpu_index_is_next(install: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "answers", lambda url: True)
    assert install.CPU_INDEX in install.torch_arguments(BOUNDS)[0]


def test_without_either_a_sentence_says_so(install: ModuleType) -> None:
    arguments, sentence = install.torch_arguments(BOUNDS)
    assert arguments == []
    assert "CUDA" in sentence


@pytest.mark.parametrize(
    ("name", "value"),
    [("has_nvidia_gpu", True), ("installed_torch", "2.10.0+cu128")],
)
def test_a_gpu_or_a_torch_that_is_there_is_left_alone(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch, name: str, value: object
) -> None:
    offer(install, monkeypatch, LISTING)
    monkeypatch.setattr(install, name, lambda: value)
    assert install.torch_arguments(BOUNDS)[0] == []


def test_a_torch_outside_the_bounds_is_replaced_by_a_cpu_build(
    install: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer(install, monkeypatch, LISTING)
    monkeypatch.setattr(install, "installed_torch", lambda: "2.6.0")
    assert install.torch_arguments(BOUNDS)[0] == ["torch==2.12.0+cpu"]
