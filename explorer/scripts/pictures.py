"""Screenshots of pages for the docs: python pictures.py OUT NAME=PAGE[:theme[:action,...]] ...

An action is a tab's name, "!SELECTOR" to click, "draw" for a seven on the drawing area, "drag" on the map, or a number,
the height in pixels. Pictures are 1280 x 800 otherwise, in 256 colours.
"""

from __future__ import annotations

import shutil
import sys
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import sync_playwright

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
READY = "html[data-state=ready], html[data-state=failed]"
SEVEN = [(0.3, 0.25), (0.7, 0.25), (0.56, 0.5), (0.45, 0.8)]
MOVES = {"draw": (".drawing", SEVEN), "drag": (".map", [(0.5, 0.5), (0.6, 0.4), (0.66, 0.33)])}


def act(page: Any, action: str) -> None:
    """One step of a visitor."""
    if action in MOVES:
        selector, places = MOVES[action]
        page.locator(selector).first.scroll_into_view_if_needed()
        box = page.locator(selector).first.bounding_box()
        at = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in places]
        page.mouse.move(*at[0])
        page.mouse.down()
        for place in at[1:]:
            page.mouse.move(*place, steps=8)
        page.mouse.up()
    elif action.isdigit():
        page.set_viewport_size({"width": 1280, "height": int(action)})
    elif action.startswith("!"):
        page.locator(action[1:]).first.click()
    else:
        page.get_by_role("tab", name=action).click()
    page.wait_for_timeout(1500)


def main(arguments: list[str]) -> None:
    out, *wanted = arguments
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        for each in wanted:
            name, rest = each.split("=", 1)
            path, theme, actions = [*rest.split(":", 2), "", ""][:3]
            page = browser.new_page(
                viewport={"width": 1280, "height": 800}, color_scheme=theme or "light", locale="en-GB"
            )
            page.goto(Path(path).resolve().as_uri())
            page.wait_for_selector(READY, state="attached", timeout=120_000)
            for action in filter(None, actions.split(",")):
                act(page, action)
            page.evaluate("scrollTo(0, 0)")
            page.wait_for_timeout(4000)
            image = Image.open(BytesIO(page.screenshot())).convert("RGB")
            few = image.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=6, dither=Image.Dither.NONE)
            few.save(Path(out) / f"{name}.png", optimize=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1:])
