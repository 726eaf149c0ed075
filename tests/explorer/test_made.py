"""`vaekit explore RUN --html`: from a run on disk to the page, and refusals of what is no such run."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from vaekit.cli import main
from vaekit.explorer import page as page_module

pytest.importorskip("onnxscript", reason="needs onnxscript, of vaekit[explore]")


@pytest.fixture(autouse=True)
def _one_shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make explorer` may replace the page while a test runs; pages of one test are made of one."""
    copy = tmp_path / "shell"
    shutil.copytree(page_module.FOLDER, copy)
    monkeypatch.setattr(page_module, "FOLDER", copy)


def explore(run: Path, out: Path) -> int:
    return main(["explore", str(run), "--html", str(out)])


def test_a_run_becomes_one_page_and_equal_runs_equal_bytes(digits_run: Path, tmp_path: Path) -> None:
    assert explore(digits_run, tmp_path / "a.html") == 0
    assert explore(digits_run, tmp_path / "b.html") == 0
    page = (tmp_path / "a.html").read_bytes()
    assert page == (tmp_path / "b.html").read_bytes()
    assert len(page) < 7_000_000
    found = re.search(rb'<script type="application/json" id="manifest">(.*?)</script>', page, re.S)
    assert found is not None
    manifest = json.loads(found[1])
    assert manifest["runs"][0]["latent"]["size"] == 2
    assert not re.search(rb'(src|href)="https?://', page)


def test_an_existing_page_is_kept(digits_run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.html").write_text("mine")
    assert explore(digits_run, tmp_path / "a.html") == 2
    assert (tmp_path / "a.html").read_text() == "mine"
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("what", ["weights cut off", "config is no JSON", "no run"])
def test_a_tampered_run_is_one_sentence(
    digits_run: Path, tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = tmp_path / "copy"
    if what != "no run":
        shutil.copytree(digits_run, copy)
        name = {"weights cut off": "model.safetensors", "config is no JSON": "config.json"}[what]
        (copy / name).write_bytes((copy / name).read_bytes()[:100])
    assert explore(copy, tmp_path / "a.html") == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) <= 2
    assert not (tmp_path / "a.html").exists()
