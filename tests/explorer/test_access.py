"""The page for everybody: axe-core finds nothing, on any tab, in either language, on a phone, or where it gave up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

AXE = Path(__file__).parents[2] / "explorer" / "node_modules" / "axe-core" / "axe.min.js"
KINDS = ("image", "autoencoder", "conditional", "layers", "codes", "audio", "table")
PHONE = {"width": 360, "height": 740}
LOOK = "axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 160))]))"

Open = Callable[..., Any]
Write = Callable[..., Path]


def look(page: Any, where: str) -> None:
    """Nothing that axe-core objects to, and nothing wider than the screen."""
    wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert wide <= 0, f"{where}: {wide} px wider than the screen"
    assert page.evaluate(LOOK) == [], where


def with_axe(page: Any) -> Any:
    if not AXE.is_file():
        pytest.skip("axe-core is not installed: npm ci in explorer/")
    page.evaluate(AXE.read_text(encoding="utf-8"))
    return page


def on_every_tab(page: Any) -> None:
    for tab in page.get_by_role("tab").all():
        tab.click()
        page.wait_for_timeout(150)
        look(page, tab.inner_text())


@pytest.mark.parametrize("kind", KINDS)
def test_every_tab_on_a_phone(open_page: Open, page_file: Write, kind: str) -> None:
    scheme = "dark" if KINDS.index(kind) % 2 else "light"
    page = open_page(viewport=PHONE, color_scheme=scheme, reduced_motion="reduce").go(page_file(kind))
    on_every_tab(with_axe(page))
    page.get_by_title("Switch between light and dark").click()
    page.wait_for_timeout(300)
    look(page, "the other theme")


@pytest.mark.parametrize("viewport", [PHONE, {"width": 1280, "height": 860}])
def test_two_runs(open_page: Open, page_file: Write, viewport: dict[str, int]) -> None:
    page = open_page(viewport=viewport, reduced_motion="reduce").go(page_file("autoencoder", "image"))
    on_every_tab(with_axe(page))


def test_korean(open_page: Open, page_file: Write) -> None:
    page = open_page(viewport=PHONE, reduced_motion="reduce").go(page_file("layers"))
    page.get_by_role("button", name="한국어").click()
    page.wait_for_selector("html[lang=ko]", state="attached")
    on_every_tab(with_axe(page))


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_sentence_in_place_of_a_page(
    open_page: Open, page_file: Write, tmp_path: Path, scheme: str
) -> None:
    text = page_file("image").read_text(encoding="utf-8")
    (tmp_path / "page.html").write_text(text.replace('"format": 1', '"format": 7', 1), encoding="utf-8")
    page = open_page(viewport=PHONE, color_scheme=scheme).go(tmp_path / "page.html")
    assert page.get_by_role("alert").is_visible()
    look(with_axe(page), "the sentence")


def test_an_answer_to_something_of_ones_own(open_page: Open, page_file: Write) -> None:
    """What appears only after an input: its mean and spread, its loss, its draws; and the refusal of a bad file."""
    page = with_axe(open_page(viewport=PHONE, reduced_motion="reduce").go(page_file("image")))
    page.get_by_role("tab", name="Your own").click()
    page.locator(".take .thumb").first.click()
    page.wait_for_selector(".result .spread circle")
    look(page, "an answer")
    page.set_input_files("input[type=file]", {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    page.wait_for_selector(".wrong")
    look(page, "a refusal")
