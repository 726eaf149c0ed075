"""The explorer's page of real runs in Chromium, as a visitor: every tool, from a file and from the server.

    python benchmarks/explorer_tour.py RUN=page.html ...        # pages of `vaekit explore RUN --html page.html`

A line for each visit. What is decoded is compared with PyTorch; a complaint in the console, a request to anything but
the page, or a tool that changes nothing ends the tour with exit code 1.
"""

from __future__ import annotations

import contextlib
import math
import shutil
import struct
import sys
import tempfile
import threading
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from log import logged

from vaekit.evaluation.chunks import evaluating
from vaekit.explorer.server import Explorer, listen, make_server
from vaekit.interop.codes import grid_of
from vaekit.interop.onnx import example_inputs, halves_of
from vaekit.run import Run

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
WATCH = """window.decodes = [];
document.addEventListener("vaekit:decoded", ({ detail }) => decodes.push(detail));"""
LAST = "(d => ({code: [...d.code], label: d.label, output: [...d.output]}))(decodes.at(-1))"
MANY = "decodes.slice(-20).map(d => ({code: [...d.code], label: d.label, output: [...d.output]}))"
PATIENCE = 60.0


class Visit:
    """One page, what it has complained of and what it has asked for."""

    def __init__(self, context: Any, address: str) -> None:
        self.page, self.address, self.complaints = context.new_page(), address, []
        self.outside: list[str] = []
        page = self.page
        page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda r: self._asked(r.url))
        page.add_init_script(WATCH)
        page.goto(address, timeout=180_000)
        page.wait_for_selector("html[data-state=ready], html[data-state=failed]", state="attached", timeout=180_000)
        self.settle()

    def _asked(self, url: str) -> None:
        if url != self.address and not url.startswith(("blob:", "data:")):
            self.outside.append(url)

    def settle(self) -> None:
        """Waits until nothing has been decoded for a while."""
        count = -1
        while count != (now := self.page.evaluate("decodes.length")):
            count = now
            self.page.wait_for_timeout(400)

    @contextlib.contextmanager
    def changing(self, what: str) -> Iterator[None]:
        """Within it something has to be decoded anew, that differs."""
        before, count = self.page.evaluate(LAST), self.page.evaluate("decodes.length")
        yield
        for _ in range(int(PATIENCE * 10)):
            if self.page.evaluate("decodes.length") > count and self.page.evaluate(LAST)["output"] != before["output"]:
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{what} changes nothing")

    def tab(self, name: str) -> bool:
        """Opens a tool, where the page has it."""
        found = self.page.get_by_role("tab", name=name, exact=True)
        if found.count():
            found.click()
            self.settle()
        return bool(found.count())

    def drag(self, selector: str, places: list[tuple[float, float]]) -> None:
        target = self.page.locator(selector).first
        target.scroll_into_view_if_needed()
        box = target.bounding_box()
        x, *rest = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in places]
        self.page.mouse.move(*x)
        self.page.mouse.down()
        for place in rest:
            self.page.mouse.move(*place, steps=6)
        self.page.mouse.up()


def tour(visit: Visit, kind: str, folder: Path) -> list[str]:
    """Everything that a visitor can do; returns what was done."""
    page, done = visit.page, []
    if page.locator(".map").count():
        with visit.changing("dragging"):
            visit.drag(".map", [(0.5, 0.5), (0.6, 0.42), (0.66, 0.35)])
        done.append("drag")
    else:
        with visit.changing("painting"):
            for n in range(1, 4):
                page.locator(".palette button").nth(n).click()
                page.locator(".code-grid button").nth(8 + n).click()
        done.append("paint")
    if visit.tab("Dimensions"):
        with visit.changing("a slider"):
            page.locator(".sliders input").first.focus()
            for _ in range(12):
                page.keyboard.press("ArrowRight")
        done.append("sliders")
    if visit.tab("Layers"):
        page.get_by_role("button", name="Draw the rest").first.click()
        page.wait_for_selector(".panel .tray .picture")
        done.append("layers")
    if visit.tab("Sample"):
        page.get_by_role("button", name="Draw again").first.click()
        done.append("sample")
    if visit.tab("Interpolate"):
        with visit.changing("scrubbing"):
            page.get_by_label("Place on the way").first.fill("0")
        done.append("interpolate")
    if visit.tab("Your own"):
        done.append(own(visit, kind, folder))
    if kind == "audio":
        page.locator(".sound").get_by_role("button", name="Play", exact=True).click()
        page.locator(".sound").get_by_role("button", name="Stop").wait_for()
        done.append("play")
    if visit.tab("Training"):
        done.append("training")
    page.get_by_role("button", name="한국어").click()
    page.wait_for_selector("html[lang=ko]", state="attached")
    page.get_by_role("button", name="English").click()
    return [*done, "Korean"]


def own(visit: Visit, kind: str, folder: Path) -> str:
    """Something that no data set holds goes through encoder and decoder."""
    page = visit.page
    with visit.changing("an input of one's own"):
        if kind == "image":
            visit.drag(".drawing", [(0.3, 0.25), (0.7, 0.25), (0.56, 0.5), (0.45, 0.8)])
        elif kind == "audio":
            page.set_input_files("input[type=file]", tone(folder / "tone.wav"))
        else:
            page.locator(".typed input").first.fill("42")
            page.get_by_role("button", name="Encode this row").click()
    page.wait_for_selector(".result")
    return {"image": "draw", "audio": "open a WAV"}.get(kind, "type a row")


def tone(path: Path) -> Path:
    """A falling tone of half a second."""
    values = [int(12_000 * math.sin(2 * math.pi * (600 - 0.03 * n) * n / 8000)) for n in range(4000)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(struct.pack(f"<{len(values)}h", *values))
    return path


def difference(run: Run, decodes: list[dict[str, Any]]) -> float:
    """How far what the page decoded is from PyTorch, relative where values are above 1."""
    model = run.load_model("cpu").eval()
    half = halves_of(model)[1]
    code = torch.tensor([decoded["code"] for decoded in decodes])
    if half.inputs[0] == "codes":
        symbols, height, width, _ = grid_of(model)
        code = code.long().reshape(-1, symbols * height, width)
    with evaluating(model, 0):
        inputs = list(example_inputs(half, torch.zeros(len(code), *model.schema.shape), code))
        if "y" in half.inputs:
            place = half.inputs.index("y")
            inputs[place] = torch.eye(inputs[place].shape[1])[[decoded["label"] for decoded in decodes]]
        expected = half(*inputs)[0].flatten(1).double()
    found = torch.tensor([decoded["output"] for decoded in decodes], dtype=torch.float64)
    return float(((found - expected).abs() / expected.abs().clamp(min=1)).max())


@contextlib.contextmanager
def served(page: bytes) -> Iterator[str]:
    """The address of the explorer's own server."""
    listening = listen(0)
    listening.listen(128)
    app = Explorer(page, listening.getsockname()[1], "tour" * 8)
    server = make_server(app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield app.address
    finally:
        server.should_exit = True
        thread.join(20)
        listening.close()


def walk(browser: Any, run: Run, path: Path, folder: Path) -> bool:
    """Two visits to one page; whether all went well."""
    kind = {"array": "table"}.get(run.load_model("cpu").schema.kind, run.load_model("cpu").schema.kind)
    well = True
    with served(path.read_bytes()) as address:
        for way, there in (("file", path.resolve().as_uri()), ("server", address)):
            context = browser.new_context(
                viewport={"width": 1280, "height": 860}, offline=way == "file", locale="en-GB"
            )
            visit = Visit(context, there)
            done = tour(visit, kind, folder)
            visit.settle()
            decodes = visit.page.evaluate(MANY)
            error = difference(run, decodes)
            well = well and not visit.complaints and not visit.outside and error < 1e-4
            print(
                f"{path.stem:12} {way:7} {', '.join(done)}; {len(decodes)} decodes differ from PyTorch by {error:.1e}; "
                f"{len(visit.complaints)} complaints, {len(visit.outside)} requests outside"
            )
            for line in (*visit.complaints, *visit.outside):
                print(f"    {line}")
            context.close()
    return well


def main() -> None:
    from playwright.sync_api import sync_playwright

    pairs = [argument.split("=", 1) for argument in sys.argv[1:]]
    with logged("explorer-tour"), tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        print(f"# Chromium {browser.version}")
        well = [walk(browser, Run.open(run), Path(page), Path(folder)) for run, page in pairs]
        browser.close()
    sys.exit(0 if all(well) else 1)


if __name__ == "__main__":
    main()
