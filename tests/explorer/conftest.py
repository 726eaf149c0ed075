"""What tests of the page share: a Chromium, made-up runs, a log of what a page asks for and complains of."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import vaekit
from vaekit import api

HERE = Path(__file__).parent
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--autoplay-policy=no-user-gesture-required",
]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Says what of the explorer's tests was left out, and why: a count of skipped tests does not."""
    reasons = Counter(
        str(report.longrepr[2]).removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if "explorer" in report.nodeid
    )
    for reason, count in reasons.items():
        terminalreporter.write_line(f"LEFT OUT: {count} of the explorer's tests: {reason}")


@pytest.fixture(scope="session")
def digits_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of digits with two latent dimensions, trained for two epochs."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "finish", lambda *args: None)
        options = {"recipe": "vae", "latent": 2, "hidden": 16, "epochs": 2, "limit": 200, "quiet": True}
        return vaekit.train("digits", out=folder / "run", **options).path


@pytest.fixture(scope="session")
def fake() -> ModuleType:
    """The module that writes made-up runs."""
    pytest.importorskip(
        "onnx", reason="the package onnx, which writes the made-up networks, is not installed"
    )
    spec = importlib.util.spec_from_file_location("fake", HERE / "fake.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """One browser for all tests of the session, with an empty profile."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if not found:
        pytest.skip("the explorer's browser tests are left out: no Chromium here (apt-get install chromium)")
    reason = "the explorer's browser tests are left out: no playwright here (pip install playwright)"
    api = pytest.importorskip("playwright.sync_api", reason=reason)
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, headless=True, args=FLAGS)
        yield browser
        browser.close()


class Opened:
    """A page, with what it wrote to the console and what it asked of the network."""

    def __init__(self, page: Any) -> None:
        self.page, self.complaints, self.requests = page, [], []
        page.on(
            "console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None
        )
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda r: self.requests.append(r.url))

    def go(self, path: Path) -> Any:
        """Opens a file and waits until the page is ready or has given up."""
        self.page.goto(path.as_uri())
        # A selector, not a function: a strict policy forbids the page what a waiting function needs.
        self.page.wait_for_selector(
            "html[data-state=ready], html[data-state=failed]", state="attached", timeout=60_000
        )
        return self.page

    def outside(self) -> list[str]:
        """Requests for anything but the file itself and what it made."""
        return [url for url in self.requests if not url.startswith(("file:", "blob:", "data:"))]


@pytest.fixture
def open_page(chromium: Any) -> Iterator[Callable[..., Opened]]:
    """Opens tabs with given options; none may complain or ask for anything outside."""
    opened, contexts = [], []

    def make(**options: Any) -> Opened:
        settings: dict[str, Any] = {
            "viewport": {"width": 1280, "height": 860},
            "locale": "en-GB",
            "offline": True,
        } | options
        context = chromium.new_context(**settings)
        contexts.append(context)
        opened.append(Opened(context.new_page()))
        return opened[-1]

    yield make
    for context in contexts:
        context.close()
    for one in opened:
        assert one.complaints == []
        assert one.outside() == []


@pytest.fixture(scope="session")
def page_file(fake: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The page of one made-up run, or of two; written once for each kind."""
    folder, made = tmp_path_factory.mktemp("pages"), {}

    def write(*kinds: str, num_points: int = 600) -> Path:
        if kinds not in made:
            made[kinds] = folder / f"{'-'.join(kinds)}.html"
            made[kinds].write_text(fake.document(list(kinds), num_points=num_points), encoding="utf-8")
        return made[kinds]

    return write


RULES = {
    # A tree that was written out again has other quotes, and styles that depend on numbers.
    "no-inline-style": "off",
    "attribute-boolean-style": "off",
    "attribute-empty-style": "off",
    "long-title": "off",
    "no-trailing-whitespace": "off",
}


@pytest.fixture(scope="session")
def validate(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """What html-validate says of documents; nothing where they are valid."""
    program = HERE.parents[1] / "explorer" / "node_modules" / ".bin" / "html-validate"
    if not program.exists() or not shutil.which("node"):
        pytest.skip("html-validate is not installed: npm ci in explorer/")
    folder = tmp_path_factory.mktemp("valid")
    rules = {"root": True, "extends": ["html-validate:recommended"], "rules": RULES}
    (folder / ".htmlvalidate.json").write_text(json.dumps(rules))

    def check(*documents: str) -> str:
        for k, text in enumerate(documents):
            (folder / f"{k}.html").write_text(text, encoding="utf-8")
        names = [f"{k}.html" for k in range(len(documents))]
        run = subprocess.run([str(program), *names], cwd=folder, capture_output=True, text=True, check=False)
        return "" if run.returncode == 0 else run.stdout + run.stderr

    return check
