"""The explorer's page in Chromium: its size, time to ready, time of a decode, frames a second while dragging.

    vaekit train mnist --recipe vae --latent 2 --epochs 6 --out runs/mnist2d
    vaekit train mnist --recipe conv --epochs 5 --out runs/conv
    vaekit explore runs/mnist2d --html mnist2d.html             # the same for runs/conv
    python benchmarks/explorer.py mnist2d.html conv.html
    python benchmarks/explorer.py --many                        # a made-up run with 50,000 points

Wanted: at most 7 MB, ready within 1.5 s, a decode in 5 ms (MLP) and 20 ms (convolutions), 60 frames a second. Frames
are counted in the browser's own trace (DrawFrame), over five seconds of dragging through the latent map.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from log import logged

ROOT = Path(__file__).parents[1]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
STATE = "['ready', 'failed'].includes(document.documentElement.dataset.state)"
SECONDS = 5.0
POINTS = "JSON.parse(document.getElementById('manifest').textContent).runs[0].points?.mean.shape[0] ?? 0"
MARKS = "Object.fromEntries(performance.getEntriesByType('mark').map(m => [m.name, m.startTime]))"
WATCH = """() => {
  window.decodes = [];
  window.gaps = [];
  document.addEventListener("vaekit:decoded", (event) => decodes.push(event.detail.ms));
  let before = 0;
  requestAnimationFrame(function frame(now) {
    if (before) gaps.push(now - before);
    before = now;
    requestAnimationFrame(frame);
  });
}"""


def made_up(folder: Path) -> Path:
    """A page with 50,000 points of a made-up run."""
    spec = importlib.util.spec_from_file_location("fake", ROOT / "tests" / "explorer" / "fake.py")
    assert spec
    assert spec.loader
    fake = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(fake)
    path = folder / "many.html"
    path.write_text(fake.document(["points"], num_points=50_000), encoding="utf-8")
    return path


def drag(page: Any) -> None:
    """Circles over the map for some seconds."""
    import math

    box = page.locator(".map").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    began = time.perf_counter()
    while (passed := time.perf_counter() - began) < SECONDS:
        radius = box["height"] * (0.15 + 0.2 * passed / SECONDS)
        page.mouse.move(x + radius * math.cos(4 * passed), y + radius * math.sin(4 * passed))
    page.mouse.up()


def measure(browser: Any, path: Path) -> None:
    """One line for a page."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, offline=True)
    page = context.new_page()
    page.goto(path.resolve().as_uri())
    page.wait_for_function(STATE, timeout=120_000)
    marks = page.evaluate(MARKS)
    page.evaluate(WATCH)
    line = (
        f"{path.name:16} {path.stat().st_size / 1e6:5.2f} MB, {page.evaluate(POINTS):6,} points   "
        f"open {marks.get('vaekit:open', 0) / 1e3:5.2f} s   "
        f"ready {marks.get('vaekit:ready', 0) / 1e3:5.2f} s"
    )
    if page.locator(".map").count():
        categories = ["devtools.timeline", "disabled-by-default-devtools.timeline.frame"]
        browser.start_tracing(page=page, categories=categories)
        drag(page)
        events = json.loads(browser.stop_tracing())["traceEvents"]
        drawn = sorted(e["ts"] / 1e6 for e in events if e.get("name") == "DrawFrame")
        decodes, gaps = page.evaluate("[decodes, gaps]")
        rate = (len(drawn) - 1) / (drawn[-1] - drawn[0]) if len(drawn) > 1 else float("nan")
        late = statistics.quantiles(gaps, n=20)[18] if len(gaps) > 20 else float("nan")
        line += f"   decode {statistics.median(decodes):6.2f} ms ({len(decodes)})   {rate:5.1f} frames/s"
        line += f"   95 % of frames within {late:5.1f} ms"
    print(line)
    context.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pages", nargs="*", type=Path)
    parser.add_argument("--many", action="store_true", help="also a made-up run with 50,000 points")
    arguments = parser.parse_args()
    from playwright.sync_api import sync_playwright

    with logged("explorer"), tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        print(
            f"# Chromium {browser.version}, load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
        )
        pages = [*arguments.pages, *([made_up(Path(folder))] if arguments.many else [])]
        for path in pages:
            measure(browser, path)
        browser.close()


if __name__ == "__main__":
    main()
