"""The explorer's page in a browser, from a file and offline, with made-up runs of every kind."""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

Open = Callable[..., Any]
Write = Callable[..., Path]


def pixels(page: Any, selector: str) -> str:
    """A canvas's content, to be compared."""
    return page.locator(selector).first.evaluate("canvas => canvas.toDataURL()")


def settled(page: Any, selector: str, before: str) -> None:
    """Waits until a canvas shows something else."""
    for _ in range(300):
        if pixels(page, selector) != before:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{selector} shows what it showed before")


def numbers(page: Any) -> str:
    """The code that is written out beside the decoded picture."""
    return page.locator(".numbers").first.inner_text()


def drag(page: Any, target: Any, places: list[tuple[float, float]]) -> None:
    """Drags over places given as shares of the target's box."""
    box = target.bounding_box()
    at = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in places]
    page.mouse.move(*at[0])
    page.mouse.down()
    for place in at[1:]:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def onnxruntime() -> Any:
    return pytest.importorskip(
        "onnxruntime", reason="the package onnxruntime, to compare with, is not installed"
    )


def tab(page: Any, name: str) -> None:
    page.get_by_role("tab", name=name).click()


def test_dragging_decodes(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("image"))
    before, code = pixels(page, ".screen canvas"), numbers(page)
    drag(page, page.locator(".map"), [(0.5, 0.5), (0.62, 0.4), (0.7, 0.3)])
    settled(page, ".screen canvas", before)
    assert numbers(page) != code
    assert page.locator(".ms").inner_text().endswith("ms")


@pytest.mark.parametrize("kind", ["image", "conditional", "layers", "audio", "table"])
def test_decodes_what_onnxruntime_decodes(open_page: Open, page_file: Write, kind: str) -> None:
    path = page_file(kind)
    opened = open_page()
    listen = "document.addEventListener('vaekit:decoded', e => (window.last = e.detail))"
    opened.page.add_init_script(listen)
    page = opened.go(path)
    drag(page, page.locator(".map"), [(0.5, 0.5), (0.61, 0.37)])
    page.wait_for_timeout(300)
    made = page.evaluate("({code: [...last.code], label: last.label, output: [...last.output]})")
    found = re.search(r'id="blob-0-decoder" data-planes="4">([^<]+)<', path.read_text(encoding="utf-8"))
    assert found
    planes = np.frombuffer(gzip.decompress(base64.b64decode(found[1])), np.uint8)
    session = onnxruntime().InferenceSession(planes.reshape(4, -1).T.tobytes())
    feeds = {"z": np.array([made["code"]], np.float32)}
    for given in session.get_inputs():
        if given.name == "y":
            feeds["y"] = np.eye(5, dtype=np.float32)[[made["label"]]]
        if given.name == "x":
            feeds["x"] = np.zeros((1, *given.shape[1:]), np.float32)
    expected = session.run(["mean"], feeds)[0].reshape(-1)
    np.testing.assert_allclose(made["output"], expected, atol=1e-5)


def test_works_under_a_strict_policy(open_page: Open, page_file: Write, tmp_path: Path) -> None:
    text = page_file("image").read_text(encoding="utf-8")
    script = re.search(r'<script type="module">(.*?)</script>', text, re.S)
    style = re.search(r"<style>(.*?)</style>", text, re.S)
    assert script
    assert style

    def source(match: re.Match[str]) -> str:
        return f"'sha256-{base64.b64encode(hashlib.sha256(match[1].encode()).digest()).decode()}'"

    policy = (
        f"default-src 'none'; script-src {source(script)} 'wasm-unsafe-eval'; style-src {source(style)}; "
    )
    policy += "worker-src blob:; img-src data:; base-uri 'none'; form-action 'none'"
    tag = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    (tmp_path / "page.html").write_text(text.replace("<head>", f"<head>{tag}", 1), encoding="utf-8")
    page = open_page().go(tmp_path / "page.html")
    before = pixels(page, ".screen canvas")
    drag(page, page.locator(".map"), [(0.5, 0.5), (0.7, 0.3)])
    settled(page, ".screen canvas", before)


def test_arrow_keys_move_the_point(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("image"))
    surface = page.locator(".map")
    page.get_by_role("button", name="To the centre").click()
    page.wait_for_function("document.querySelector('.numbers').innerText.match(/0\\.00/g)?.length === 2")
    surface.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowUp")
    both = "document.querySelector('.map').ariaLabel.match(/at (0\\.\\d+), (0\\.\\d+)/)?.slice(1).every(v => +v > 0)"
    page.wait_for_function(both)
    label = surface.get_attribute("aria-label")
    across, up = (float(v.replace("−", "-")) for v in re.findall(r"[−\d.]+", label.split(" at ")[1]))
    assert 0 < across < up
    page.keyboard.press("Home")
    page.wait_for_function("document.querySelector('.map').ariaLabel.endsWith('z at 0.00, 0.00')")


def test_hovering_tells_of_the_posterior(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("image"))
    box = page.locator(".map").bounding_box()
    found = False
    for k in range(60):
        page.mouse.move(
            box["x"] + box["width"] * (0.25 + 0.5 * (k % 10) / 10),
            box["y"] + box["height"] * (0.2 + 0.1 * (k // 10)),
        )
        found = found or "σ" in page.locator(".under").inner_text()
    assert found


def test_sliders_follow_rate_and_fold_the_dead(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("conditional"))
    labels = page.locator(".panel > .tool > .sliders label").all_inner_texts()
    assert labels == [f"Dimension {d}" for d in range(1, 6)]  # the sixth has a rate of 0.001
    assert page.locator("summary").inner_text() == "1 that carry nothing"
    before = pixels(page, ".screen canvas")
    page.get_by_label("Dimension 1", exact=True).focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    settled(page, ".screen canvas", before)


def test_classes_are_told_to_the_decoder(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("conditional"))
    before = pixels(page, ".screen canvas")
    page.get_by_role("group", name="Class that the decoder is told").get_by_role("button", name="3").click()
    settled(page, ".screen canvas", before)


def test_the_large_picture_is_of_the_class_that_an_input_has(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("conditional"))
    tab(page, "Your own")
    told = page.get_by_role("group", name="Class that the decoder is told")
    now = told.locator("[aria-pressed=true]").inner_text()
    other = page.locator(f".take .thumb:not([aria-label$='class {now}'])").first
    other.click()
    page.wait_for_selector(".result .spread circle")
    assert other.get_attribute("aria-label").endswith(f"class {told.locator('[aria-pressed=true]').inner_text()}")


def test_planes_of_many_dimensions(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("conditional"))
    assert page.locator(".axis.across").inner_text() == "PC 1"
    page.get_by_label("Plane").select_option("axes")
    page.get_by_label("Dimension across").select_option("3")
    assert page.locator(".axis.across").inner_text().split() == ["z4"]
    code = numbers(page)
    drag(page, page.locator(".map"), [(0.5, 0.5), (0.8, 0.5)])
    page.wait_for_function("b => document.querySelector('.numbers').innerText !== b", arg=code)
    # Only the two dimensions of the plane move.
    changed = [a != b for a, b in zip(code.split("\n"), numbers(page).split("\n"))]
    assert sum(changed) <= 2


def test_samples_and_their_temperature(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("image"))
    tab(page, "Sample")
    page.wait_for_selector(".tray .picture")
    before = pixels(page, ".tray canvas")
    page.get_by_role("button", name="Draw again").click()
    settled(page, ".tray canvas", before)
    page.get_by_label("Temperature").fill("0")
    page.wait_for_function(
        "new Set([...document.querySelectorAll('.tray canvas')].map(c => c.toDataURL())).size === 1",
        timeout=15_000,
    )


def test_interpolation_scrubs(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("image"))
    tab(page, "Interpolate")
    page.wait_for_selector(".strip .picture")
    before = pixels(page, ".screen canvas")
    page.get_by_label("Place on the way").fill("0")
    settled(page, ".screen canvas", before)
    assert pixels(page, ".screen canvas") == pixels(page, ".strip canvas")
    page.get_by_role("button", name="Play").click()
    page.wait_for_function("document.querySelector('output').innerText !== '0 %'", timeout=15_000)
    page.get_by_role("button", name="Pause").click()


def test_a_drawing_is_encoded(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("image"))
    tab(page, "Your own")
    drag(page, page.locator(".drawing"), [(0.3, 0.2), (0.7, 0.2), (0.5, 0.8)])
    page.wait_for_selector(".result .spread circle")
    values = [float(v.split()[0].replace("−", "-")) for v in page.locator(".loss b").all_inner_texts()]
    reconstruction, kl, loss = values
    assert kl > 0
    assert loss == pytest.approx(reconstruction + kl, abs=0.11)
    draws = page.locator(".draws canvas")
    assert len({draws.nth(n).evaluate("c => c.toDataURL()") for n in range(draws.count())}) > 1
    before = pixels(page, ".draws canvas")
    page.get_by_role("button", name="Draw ε again").click()
    settled(page, ".draws canvas", before)


def test_files_that_are_no_pictures_are_refused(open_page: Open, page_file: Write, tmp_path: Path) -> None:
    page = open_page().go(page_file("image"))
    tab(page, "Your own")
    (tmp_path / "note.png").write_text("no picture")
    page.set_input_files("input[type=file]", tmp_path / "note.png")
    page.wait_for_selector(".wrong")
    drag(page, page.locator(".drawing"), [(0.3, 0.2), (0.7, 0.2), (0.5, 0.8)])  # something good takes its place
    page.wait_for_selector(".result .spread circle")
    page.wait_for_selector(".wrong", state="detached")


DROP = """([selector, bytes, name]) => {
  const data = new DataTransfer();
  data.items.add(new File([Uint8Array.from(bytes)], name, { type: "image/png" }));
  const target = document.querySelector(selector);
  const sent = (type) => target.dispatchEvent(
    new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }));
  return [sent("dragover"), sent("drop")];
}"""


@pytest.mark.parametrize("place", [".map", "footer", ".tools"])
def test_a_file_dropped_anywhere_is_an_input(open_page: Open, page_file: Write, place: str) -> None:
    page = open_page().go(page_file("image"))
    before = numbers(page)
    picture = Image.new("L", (24, 24), 0)
    picture.paste(255, (6, 4, 18, 20))
    content = BytesIO()
    picture.save(content, "PNG")
    # What is not prevented is done by the browser: it would leave the page and show the file.
    assert page.evaluate(DROP, [place, list(content.getvalue()), "mine.png"]) == [False, False]
    page.wait_for_selector(".result .spread circle")
    assert page.get_by_role("tab", name="Your own").get_attribute("aria-selected") == "true"
    assert numbers(page) != before
    page.evaluate(DROP, [place, list(b"no picture"), "note.png"])
    page.wait_for_selector(".wrong")


def test_a_file_dropped_on_a_table_is_let_go(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("table"))
    assert page.evaluate(DROP, [".map", [1, 2, 3], "rows.csv"]) == [False, False]
    assert page.get_by_role("tab", name="Dimensions").get_attribute("aria-selected") == "true"


def test_the_nearest_example_is_the_nearest_of_those_shown(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("image"))
    assert re.fullmatch(r"Nearest of 12 examples, class [0-4]", page.locator(".nearest figcaption").inner_text())


def test_layers_are_kept_and_drawn(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("layers"))
    tab(page, "Layers")
    page.wait_for_selector(".panel .tray .picture")
    before = pixels(page, ".panel .tray canvas")
    page.get_by_role("button", name="Draw the rest").click()
    settled(page, ".panel .tray canvas", before)
    assert page.locator(".layers li").count() == 3


def test_codes_are_painted(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("codes"))
    before = pixels(page, ".screen canvas")
    cell, entry = page.locator(".code-grid button").nth(7), page.locator(".palette button").nth(3)
    code = entry.get_attribute("aria-label").split()[-1]
    if cell.get_attribute("aria-label").endswith(f" {code}"):
        entry = page.locator(".palette button").nth(4)
        code = entry.get_attribute("aria-label").split()[-1]
    entry.click()
    cell.click()
    assert cell.get_attribute("aria-label") == f"Row 2, column 2: code {code}"
    settled(page, ".screen canvas", before)
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("b => document.querySelector('.screen canvas').toDataURL() === b", arg=before)


def test_sound_is_made_and_plays(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("audio"))
    play = page.locator(".sound").get_by_role("button", name="Play", exact=True)
    play.click()
    page.wait_for_selector(".sound button:has-text('Stop'), .sound button:has-text('Play')")
    assert "0.26 s" in page.locator(".wave").get_attribute("aria-label")  # 2048 samples at 8000 Hz
    before = pixels(page, ".wave")
    page.get_by_role("button", name="Play while moving").click()
    drag(page, page.locator(".map"), [(0.5, 0.5), (0.3, 0.6)])
    settled(page, ".wave", before)


def test_rows_are_typed_and_read(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("table"))
    assert page.locator(".row tbody th").all_inner_texts()[:4] == ["age", "hours", "work", "income"]
    tab(page, "Your own")
    page.get_by_label("age", exact=True).fill("0.7")
    page.get_by_label("work", exact=True).select_option("self")
    page.get_by_role("button", name="Encode this row").click()
    page.wait_for_selector(".result .spread circle")
    assert "0.70 · – · self · –" in page.locator(".before-after .line").inner_text()


def test_training_is_replayed(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("image"))
    tab(page, "Training")
    before = pixels(page, ".epoch-map")
    page.get_by_role("button", name="Play", exact=True).click()
    settled(page, ".epoch-map", before)
    page.wait_for_selector("button:has-text('Play')", timeout=15_000)
    assert page.get_by_label("Epoch", exact=True).get_attribute("aria-valuetext") == "8"
    assert page.locator(".curve").count() == 2


def test_two_runs_side_by_side(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("autoencoder", "image"))
    assert page.locator(".map").count() == 2
    page.wait_for_function("document.querySelectorAll('.strip canvas').length === 22", timeout=15_000)
    page.locator(".picker .thumb").nth(5).click()
    assert page.locator(".strip-box h3").all_inner_texts() == ["autoencoder-0", "image-1"]
    tab(page, "Sample")
    page.wait_for_function("document.querySelectorAll('.panel .tray canvas').length === 48", timeout=15_000)
    before = [pixels(page, f".duo > section:nth-child({k}) .tray canvas") for k in (1, 2)]
    page.get_by_role("button", name="Draw again").click()
    for k in (1, 2):
        settled(page, f".duo > section:nth-child({k}) .tray canvas", before[k - 1])


def test_a_uniform_prior_is_said_to_draw_nothing_meaningful(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("codes"))
    tab(page, "Sample")
    assert "equally likely" in page.locator(".panel .lead").inner_text()


def test_nothing_unseen_makes_the_page_longer(open_page: Open, page_file: Write) -> None:
    page = open_page(viewport={"width": 1280, "height": 400}).go(page_file("table"))
    page.get_by_role("button", name="Hide").click()
    for name in page.get_by_role("tab").all_inner_texts():
        tab(page, name)
        rest = "document.documentElement.scrollHeight - scrollY"
        assert page.evaluate(f"{rest} - document.querySelector('footer').getBoundingClientRect().bottom") < 40, name


def test_languages(open_page: Open, page_file: Write) -> None:
    page = open_page().go(page_file("image"))
    page.get_by_role("button", name="한국어").click()
    assert page.get_by_role("tab", name="보간").is_visible()
    assert page.locator("html").get_attribute("lang") == "ko"
    assert "재매개변수화" in page.locator(".explain").inner_text()
    page.get_by_role("button", name="English").click()
    assert "Reparameterization" in page.locator(".explain").inner_text()
