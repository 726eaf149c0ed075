"""`vaekit explore` of a real run, as a process: its page under its own policy in a real browser, and Ctrl-C."""

from __future__ import annotations

import json
import os
import re
import select
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import torch

from vaekit.interop.onnx import halves_of
from vaekit.run import Run

pytest.importorskip("onnxscript", reason="needs onnxscript, of vaekit[explore]")
pytest.importorskip("uvicorn", reason="needs uvicorn, of vaekit[explore]")

SEVEN = [(0.3, 0.25), (0.7, 0.25), (0.56, 0.5), (0.45, 0.8)]
LISTEN = """window.encoded = []; window.decoded = [];
document.addEventListener("vaekit:encoded", ({ detail }) => encoded.push(detail));
document.addEventListener("vaekit:decoded", ({ detail }) => decoded.push(detail));"""


class Serving:
    """`vaekit explore RUN --no-open` that has printed its address."""

    def __init__(self, run: Path) -> None:
        command = [sys.executable, "-m", "vaekit", "explore", str(run), "--no-open", "--json"]
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(command, env=os.environ | {"PYTHONUNBUFFERED": "1"}, **pipes)
        assert self.process.stdout
        assert select.select([self.process.stdout], [], [], 120)[0], "no address within two minutes"
        answer = ""
        while not answer.endswith("\n}\n"):
            line = self.process.stdout.readline()
            assert line, self.process.communicate()[1]
            answer += line
        self.address = json.loads(answer)["address"]

    def stop(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """The exit code after a signal, and what was said on the way."""
        self.process.send_signal(number)
        out, err = self.process.communicate(timeout=30)
        return self.process.returncode, out + err.replace("Encoding the data and exporting the model ...\n", "")


@pytest.fixture(scope="module")
def serving(digits_run: Path) -> Iterator[Serving]:
    made = Serving(digits_run)
    yield made
    if made.process.poll() is None:
        made.process.kill()
        made.process.communicate()


@pytest.fixture
def visit(chromium: Any, serving: Serving) -> Iterator[Any]:
    """A page of the server; it must not complain, and ask for nothing but itself."""
    context = chromium.new_context(viewport={"width": 1280, "height": 860}, locale="en-GB")
    page, complaints, asked = context.new_page(), [], []
    page.on("console", lambda m: complaints.append(m.text) if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda r: asked.append(r.url))
    page.add_init_script(LISTEN)
    response = page.goto(serving.address)
    assert "default-src 'none'" in response.headers["content-security-policy"]
    page.wait_for_selector("html[data-state=ready], html[data-state=failed]", state="attached", timeout=60_000)
    yield page
    context.close()
    assert complaints == []
    assert [url for url in asked if url != serving.address and not url.startswith(("blob:", "data:"))] == []


def draw(page: Any, selector: str, places: list[tuple[float, float]]) -> None:
    target = page.locator(selector).first
    target.scroll_into_view_if_needed()
    box = target.bounding_box()
    x, *rest = [(box["x"] + u * box["width"], box["y"] + v * box["height"]) for u, v in places]
    page.mouse.move(*x)
    page.mouse.down()
    for place in rest:
        page.mouse.move(*place, steps=6)
    page.mouse.up()


def last(page: Any, which: str, *names: str) -> dict[str, np.ndarray]:
    """The newest numbers of an event."""
    for _ in range(100):
        if page.evaluate(f"{which}.length"):
            break
        page.wait_for_timeout(100)
    page.wait_for_timeout(500)
    found = page.evaluate(f"Object.fromEntries({list(names)}.map(k => [k, [...{which}.at(-1)[k]]]))")
    return {name: np.array(values) for name, values in found.items()}


def test_under_the_servers_policy_every_tab_opens(visit: Any) -> None:
    assert visit.locator("html").get_attribute("data-state") == "ready"
    before = visit.evaluate("decoded.length")
    draw(visit, ".map", [(0.5, 0.5), (0.6, 0.4)])
    assert len(last(visit, "decoded", "output")["output"]) == 64
    assert visit.evaluate("decoded.length") > before
    for tab in visit.get_by_role("tab").all():
        tab.click()
        visit.wait_for_timeout(200)
    visit.get_by_role("button", name="Play", exact=True).click()
    visit.wait_for_selector("button:has-text('Play')", timeout=15_000)


def test_encoder_and_decoder_say_in_the_browser_what_they_say_in_pytorch(visit: Any, digits_run: Path) -> None:
    visit.get_by_role("tab", name="Your own").click()
    draw(visit, ".drawing", SEVEN)
    found = last(visit, "encoded", "x", "mean", "std", "output")
    model = Run.open(digits_run).load_model("cpu").eval()
    encoder, decoder = halves_of(model, is_scored=False)
    x = torch.tensor(found["x"], dtype=torch.float32).reshape(1, *model.schema.shape)
    assert 0.05 < float(x.mean()) < 0.9  # something was drawn
    with torch.no_grad():
        z, mean, std, *_ = encoder(x, torch.zeros(1, 2))
        output = decoder(mean)[0]
    assert torch.equal(z, mean)
    assert np.abs(found["mean"] - mean.numpy()).max() < 1e-4
    assert np.abs(2 * np.log(found["std"]) - 2 * np.log(std.numpy())).max() < 1e-4
    assert np.abs(found["output"] - output.numpy().reshape(-1)).max() < 1e-4


def test_the_page_is_valid_html_once_it_is_drawn(visit: Any, validate: Callable[..., str]) -> None:
    documents = []
    for tab in visit.get_by_role("tab").all():
        tab.click()
        visit.wait_for_timeout(200)
        documents.append(visit.evaluate("'<!DOCTYPE html>\\n' + document.documentElement.outerHTML"))
    visit.get_by_role("button", name="한국어").click()
    documents.append(visit.evaluate("'<!DOCTYPE html>\\n' + document.documentElement.outerHTML"))
    assert len(documents) == 6
    assert all("<canvas" in text and 'role="tabpanel"' in text for text in documents)
    assert validate(*documents) == ""


def test_ctrl_c_stops_it(digits_run: Path) -> None:
    serving = Serving(digits_run)
    with urllib.request.urlopen(serving.address, timeout=30) as answer:
        assert answer.status == 200
    port = urlsplit(serving.address).port
    waiting = socket.create_connection(("127.0.0.1", port))  # a connection that is open must not hold it up
    started = time.monotonic()
    code, said = serving.stop()
    waiting.close()
    assert code == 0
    assert said == ""
    assert time.monotonic() - started < 60  # a busy machine is slow to end Python; an open connection would never
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(serving.address, timeout=5)
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/[\w-]{32}/", serving.address)
