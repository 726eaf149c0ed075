"""A visitor of the explorer's page: uses the tools of every tab, and objects to one that changes nothing."""

from __future__ import annotations

import contextlib
import math
import struct
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

__all__ = ["Visit", "tour"]

WATCH = """window.decodes = []; window.encodes = [];
document.addEventListener("vaekit:decoded", ({ detail }) => decodes.push(detail));
document.addEventListener("vaekit:encoded", ({ detail }) => encodes.push(detail));"""
LAST = "(d => ({code: [...d.code], label: d.label, output: [...d.output]}))(decodes.at(-1))"
LOOK = """e => e.tagName === "CANVAS" ? e.toDataURL()
  : e.outerHTML + [...e.querySelectorAll("canvas")].map(c => c.toDataURL())"""
DROP = """([selector, bytes, name]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(bytes)], name));
  const options = { dataTransfer: data, bubbles: true, cancelable: true };
  return document.querySelector(selector).dispatchEvent(new DragEvent("drop", options));
}"""
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
        self.until(
            lambda: self.page.evaluate("decodes.length") > count
            and self.page.evaluate(LAST)["output"] != before["output"],
            what,
        )

    def until(self, is_changed: Callable[[], bool], what: str) -> None:
        """Waits for a change.

        Raises:
            AssertionError: patience ran out.
        """
        for _ in range(int(PATIENCE * 10)):
            if is_changed():
                return
            self.page.wait_for_timeout(100)
        raise AssertionError(f"{what} changes nothing")

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).first.click()

    def look(self, selector: str) -> str:
        """What one sees of an element, to be compared."""
        return self.page.locator(selector).first.evaluate(LOOK)

    @contextlib.contextmanager
    def redrawing(self, selector: str, what: str) -> Iterator[None]:
        """Within it an element has to look different."""
        before = self.look(selector)
        yield
        self.until(lambda: self.look(selector) != before, what)
        self.settle()

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
        with visit.redrawing(".map canvas:nth-of-type(2)", "the map's toggles"):
            visit.press("points")
        visit.press("points")
        for name in ("Zoom in", "Show everything"):
            with visit.redrawing(".map canvas:nth-of-type(2)", name):
                visit.press(name)
        done.append("drag")
    else:
        with visit.changing("painting"):
            for n in range(1, 4):
                page.locator(".palette button").nth(n).click()
                page.locator(".code-grid button").nth(8 + n).click()
        with visit.changing("undo"):
            visit.press("Undo")
        done.append("paint")
    for tab, use in TABS.items():
        if visit.tab(tab):
            done.append(use(visit, kind, folder))
    if kind == "audio":
        page.locator(".sound").get_by_role("button", name="Play", exact=True).click()
        page.locator(".sound").get_by_role("button", name="Stop").wait_for()
        done.append("sound")
    visit.press("한국어")
    page.wait_for_selector("html[lang=ko]", state="attached")
    assert page.get_by_role("tab", name="학습 과정").is_visible()
    assert "디코더" in page.locator(".explain").inner_text()
    visit.press("English")
    page.get_by_title("Switch between light and dark").click()
    return [*done, "Korean", "theme"]


def sliders(visit: Visit, kind: str, folder: Path) -> str:
    """The first slider of every layer, and all of them back to the mean."""
    groups = visit.page.locator(".panel .tool .sliders")
    seen = [k for k in range(groups.count()) if groups.nth(k).locator("input").first.is_visible()]
    for k in seen:
        with visit.changing("a slider"):
            groups.nth(k).locator("input").first.focus()
            for _ in range(30):
                visit.page.keyboard.press("ArrowRight")
    with visit.changing("the button that resets the sliders"):
        visit.press("Set all to the mean of the codes")
    return f"{len(seen)} sliders" if len(seen) > 1 else "slider"


def layers(visit: Visit, kind: str, folder: Path) -> str:
    """Variants, by another draw, by another layer kept, by another temperature."""
    page, first = visit.page, ".panel .tray canvas"
    page.wait_for_selector(first)
    visit.settle()
    with visit.redrawing(first, "drawing the rest"):
        visit.press("Draw the rest")
    with visit.redrawing(first, "the layers that are kept"):
        page.get_by_label("Keep the top").fill("0")
    with visit.redrawing(first, "a layer's temperature"):
        page.get_by_label("Temperature").fill("0.3")
    with visit.changing("a variant"):
        page.locator(".panel .tray button").nth(3).click()
    return "layers"


def samples(visit: Visit, kind: str, folder: Path) -> str:
    """Draws of the prior, their temperature, one of them put on the map."""
    page, first = visit.page, ".panel .tray .thumb"
    page.wait_for_selector(f"{first} canvas, {first} .line")
    visit.settle()
    with visit.redrawing(first, "drawing again"):
        visit.press("Draw again")
    if page.get_by_label("Temperature").count():
        with visit.redrawing(first, "the temperature"):
            page.get_by_label("Temperature").fill("0.4")
    with visit.changing("a sample"):
        page.locator(".panel .tray button").nth(2).click()
    return "sample"


def interpolate(visit: Visit, kind: str, folder: Path) -> str:
    """To and fro by hand, by Play, along an arc, to another example."""
    page = visit.page
    for place in ("0", "1"):
        with visit.changing("scrubbing"):
            page.get_by_label("Place on the way").fill(place)
    with visit.changing("playing the way"):
        page.locator(".panel").get_by_role("button", name="Play", exact=True).click()
    visit.press("Pause")
    if page.get_by_role("button", name="arc", exact=True).count():
        page.get_by_label("Place on the way").fill("0.5")
        visit.settle()
        with visit.changing("the arc"):
            visit.press("arc")
    with visit.changing("another example"):
        page.locator(".picker .thumb").nth(5).click()
    return "interpolate"


def own(visit: Visit, kind: str, folder: Path) -> str:
    """Something that no data set holds goes through encoder and decoder: drawn or typed, and dropped on the page."""
    page = visit.page
    with visit.changing("an example"):
        page.locator(".take .thumb").nth(7).click()
    if kind == "table":
        with visit.changing("a typed row"):
            page.locator(".typed input").first.fill("61")
            visit.press("Encode this row")
    if kind == "image":
        with visit.changing("a drawing"):
            visit.drag(".drawing", [(0.3, 0.25), (0.7, 0.25), (0.56, 0.5), (0.45, 0.8)])
    if kind != "table":
        file = tone(folder / "tone.wav") if kind == "audio" else stroke(folder / "stroke.png")
        with visit.changing("a dropped file"):
            target = "header.top" if kind == "audio" else ".hero"
            assert page.evaluate(DROP, [target, list(file.read_bytes()), file.name]) is False
    page.wait_for_selector(".result")
    if page.get_by_role("button", name="Draw ε again").count():
        with visit.redrawing(".draws .tray .thumb", "drawing ε again"):
            visit.press("Draw ε again")
    visit.settle()
    return {"image": "draw, drop", "audio": "drop a WAV"}.get(kind, "type a row")


def replay(visit: Visit, kind: str, folder: Path) -> str:
    """The training from its first epoch to its last by Play, and back by hand; what moves with it."""
    page, scrub = visit.page, visit.page.get_by_label("Epoch", exact=True)
    last = scrub.get_attribute("aria-valuetext")
    moving = {"curves": ".curves .now", "map": ".epoch-map", "pairs": ".history .thumb >> nth=1"}
    found = {name: where for name, where in moving.items() if page.locator(where).count()}
    ends = {name: visit.look(where) for name, where in found.items()}
    scrub.fill("0")
    page.wait_for_timeout(300)
    for name, where in found.items():
        assert visit.look(where) != ends[name], f"scrubbing the training leaves its {name} as they are"
    page.locator(".panel").get_by_role("button", name="Play", exact=True).click()
    page.locator(".panel").get_by_role("button", name="Pause", exact=True).wait_for()
    page.locator(".panel").get_by_role("button", name="Play", exact=True).wait_for(timeout=30_000)
    assert scrub.get_attribute("aria-valuetext") == last, "the replay stops before its last epoch"
    for name, where in found.items():
        assert visit.look(where) == ends[name], f"the replay ends with other {name} than it began with"
    return f"replay of {' and '.join(found)} to epoch {last}"


TABS = {
    "Dimensions": sliders, "Layers": layers, "Sample": samples, "Interpolate": interpolate, "Your own": own,
    "Training": replay,
}  # fmt: skip


def tone(path: Path) -> Path:
    """A falling tone of half a second."""
    values = [int(12_000 * math.sin(2 * math.pi * (600 - 0.03 * n) * n / 8000)) for n in range(4000)]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(struct.pack(f"<{len(values)}h", *values))
    return path


def stroke(path: Path) -> Path:
    """A bent stroke, white on black."""
    picture = Image.new("L", (56, 56), 0)
    ImageDraw.Draw(picture).line([(16, 12), (40, 12), (30, 30), (24, 46)], fill=255, width=6, joint="curve")
    picture.save(path)
    return path
