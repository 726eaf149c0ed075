"""The page that is shipped: valid, one file, and what its sources make."""

from __future__ import annotations

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest

EXPLORER = Path(__file__).parents[2] / "explorer"
MODULES = EXPLORER / "node_modules"
PAGE = Path(__file__).parents[2] / "src" / "vaekit" / "explorer" / "page"
WASM = MODULES / "onnxruntime-web" / "dist" / "ort-wasm-simd-threaded.wasm"


def tool(name: str) -> str:
    """A program of the page's own packages; the test is left out, and says so, where there is none."""
    if not shutil.which("node"):
        pytest.skip(f"left out: no Node here, which {name} needs")
    if not (MODULES / ".bin" / name).exists():
        pytest.skip(f"left out: {name} is not installed (npm ci in explorer/)")
    return str(MODULES / ".bin" / name)


def test_the_page_is_what_its_sources_make(tmp_path: Path) -> None:
    command = [tool("vite"), "build", "--outDir", str(tmp_path), "--logLevel", "error"]
    subprocess.run(command, cwd=EXPLORER, check=True, capture_output=True)
    is_same = (tmp_path / "index.html").read_bytes() == (PAGE / "index.html").read_bytes()
    assert is_same, "src/vaekit/explorer/page/index.html is not what explorer/src makes: run make explorer"


def test_the_runtime_is_that_of_the_locked_package() -> None:
    if not WASM.is_file():
        pytest.skip("left out: onnxruntime-web is not installed (npm ci in explorer/)")
    assert gzip.decompress((PAGE / "ort.wasm.gz").read_bytes()) == WASM.read_bytes()


def test_the_page_is_valid_html() -> None:
    command = [tool("html-validate"), str(PAGE / "index.html")]
    run = subprocess.run(command, cwd=EXPLORER, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout


def test_the_page_is_one_file_with_one_mark() -> None:
    text = (PAGE / "index.html").read_text(encoding="utf-8")
    assert text.count("<!--vaekit:data-->") == 1
    assert not re.search(r"""(?:src|href)=["'](?!data:,)""", text.split("<script", 1)[0])
    assert "eval(" not in text
    assert "new Function" not in text
    assert not re.search(r"<[a-z]+ [^>]*\son\w+=", text.split("<script", 1)[0])
