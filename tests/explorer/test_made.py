"""`vaekit explore RUN --html`: from a run on disk to the page, and refusals of what is no such run."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import vaekit
from vaekit import api
from vaekit.cli import main

pytest.importorskip("onnxscript", reason="needs onnxscript, of vaekit[explore]")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "finish", lambda *args: None)
        options = {"recipe": "vae", "latent": 2, "hidden": 16, "epochs": 2, "limit": 200, "quiet": True}
        return vaekit.train("digits", out=folder / "run", **options).path


def explore(run: Path, out: Path) -> int:
    return main(["explore", str(run), "--html", str(out)])


def test_a_run_becomes_one_page_and_equal_runs_equal_bytes(run: Path, tmp_path: Path) -> None:
    assert explore(run, tmp_path / "a.html") == 0
    assert explore(run, tmp_path / "b.html") == 0
    page = (tmp_path / "a.html").read_bytes()
    assert page == (tmp_path / "b.html").read_bytes()
    assert len(page) < 7_000_000
    found = re.search(rb'<script type="application/json" id="manifest">(.*?)</script>', page, re.S)
    assert found is not None
    manifest = json.loads(found[1])
    assert manifest["runs"][0]["latent"]["size"] == 2
    assert not re.search(rb'(src|href)="https?://', page)


def test_an_existing_page_is_kept(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "a.html").write_text("mine")
    assert explore(run, tmp_path / "a.html") == 2
    assert (tmp_path / "a.html").read_text() == "mine"
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("what", ["weights cut off", "config is no JSON", "no run"])
def test_a_tampered_run_is_one_sentence(
    run: Path, tmp_path: Path, what: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import shutil

    copy = tmp_path / "copy"
    if what != "no run":
        shutil.copytree(run, copy)
        name = {"weights cut off": "model.safetensors", "config is no JSON": "config.json"}[what]
        (copy / name).write_bytes((copy / name).read_bytes()[:100])
    assert explore(copy, tmp_path / "a.html") == 2
    said = capsys.readouterr().err
    assert "Traceback" not in said
    assert len(said.strip().splitlines()) <= 2
    assert not (tmp_path / "a.html").exists()
