"""Pages that were tampered with and browsers that lack something: one sentence, not a blank page."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Open = Callable[..., Any]
Write = Callable[..., Path]

TAMPERED = {
    "format": ('"format": 1', '"format": 7', "format 7"),
    "json": ('"format": 1,', '"format": 1,,', "damaged"),
    "missing": ('id="blob-0-mean"', 'id="blob-0-gone"', "missing, “0-mean”"),
    "bytes": ('"blob-0-label" data-planes="4">H4sI', '"blob-0-label">AAAA', "damaged, “0-label”"),
    "no run": ('id="manifest"', 'id="other"', "holds no run"),
    "wasm": ('id="blob-wasm">H4sI', 'id="blob-wasm">AAAA', "damaged, “wasm”"),
}


@pytest.mark.parametrize("name", TAMPERED)
def test_tampered_pages_say_so(open_page: Open, page_file: Write, tmp_path: Path, name: str) -> None:
    old, new, said = TAMPERED[name]
    text = page_file("image").read_text(encoding="utf-8")
    assert old in text
    (tmp_path / "page.html").write_text(text.replace(old, new, 1), encoding="utf-8")
    page = open_page().go(tmp_path / "page.html")
    sentence = page.get_by_role("alert").inner_text()
    assert said in sentence
    assert sentence.count(".") <= 2


@pytest.mark.parametrize("feature", ["WebAssembly", "DecompressionStream", "Worker"])
def test_a_browser_without_a_feature_says_so(open_page: Open, page_file: Write, feature: str) -> None:
    opened = open_page()
    opened.page.add_init_script(f"delete globalThis.{feature}")
    page = opened.go(page_file("image"))
    assert "browser" in page.get_by_role("alert").inner_text()


def test_a_network_that_is_no_network_says_so(open_page: Open, page_file: Write, tmp_path: Path) -> None:
    text = page_file("image").read_text(encoding="utf-8")
    label = re.search(r'id="blob-0-label"[^>]*>([^<]+)<', text)
    assert label
    changed = re.sub(r'(id="blob-0-decoder"[^>]*>)[^<]+<', lambda m: f"{m[1]}{label[1]}<", text)
    (tmp_path / "page.html").write_text(changed, encoding="utf-8")
    page = open_page().go(tmp_path / "page.html")
    assert "network" in page.get_by_role("alert").inner_text()


def test_a_browser_without_simd_says_so(open_page: Open, page_file: Write) -> None:
    opened = open_page()
    # What such a browser does: it knows the format, and refuses modules with instructions that it does not know.
    refuse = "bytes => !bytes.includes(253) && validate.call(WebAssembly, bytes)"
    opened.page.add_init_script(f"const validate = WebAssembly.validate; WebAssembly.validate = {refuse}")
    page = opened.go(page_file("image"))
    assert "lacks SIMD" in page.get_by_role("alert").inner_text()
