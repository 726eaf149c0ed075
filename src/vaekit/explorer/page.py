"""make_page: one HTML file with everything in it, the prebuilt page filled with what is known of one or two runs."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import vaekit
from vaekit.errors import UserError
from vaekit.explorer.blobs import Blob
from vaekit.explorer.manifest import MAX_POINTS, StatedRun, state_run

if TYPE_CHECKING:
    from vaekit.run import Run

__all__ = ["FORMAT", "gather", "make_page"]

FORMAT = 1
MAX_BYTES, SECOND_BYTES = 7_000_000, 3_000_000
"""Of a page, and what it may have more for a second run; points are left out to stay below it. Models that are
larger by themselves make a larger page."""
FOLDER = Path(__file__).parent / "page"
MARK = "<!--vaekit:data-->"


def gather(
    runs: Sequence[Run], *, max_points: int = MAX_POINTS, budget: int = MAX_BYTES
) -> tuple[dict[str, Any], dict[str, Blob]]:
    """The manifest and the blobs of one or two runs, in at most `budget` bytes where that can be.

    Raises:
        UserError: more runs than two, or one that cannot be shown.
    """
    if not 1 <= len(runs) <= 2:
        raise UserError(f"The explorer shows one run, or two beside each other; {len(runs)} came.")
    stated = [state_run(run, i, max_points=max_points) for i, run in enumerate(runs)]
    _fit(stated, budget)
    manifest = {
        "format": FORMAT,
        "title": " and ".join(each.manifest["name"] for each in stated),
        "made_with": f"vaekit {vaekit.__version__}",
        "runs": [each.manifest for each in stated],
    }
    return manifest, {name: blob for each in stated for name, blob in each.blobs.held.items()}


def _fit(stated: list[StatedRun], budget: int) -> None:
    """Share what room there is: each run gives up points for what it is over its half."""
    over = sum(each.blobs.size for each in stated) - budget
    if over > 0:
        for each in stated:
            each.fit(each.blobs.size - -(-over // len(stated)))


def make_page(runs: Sequence[Run], *, max_points: int = MAX_POINTS) -> bytes:
    """The whole page, UTF-8; equal runs give equal bytes.

    Args:
        runs: one, or two to be seen beside each other.
        max_points: examples on the latent map at most.

    Raises:
        UserError: a run that cannot be shown, or a package that is missing.
    """
    shell, wasm = _shell(), Blob(_read("ort.wasm.gz"))
    most = MAX_BYTES + SECOND_BYTES * (len(runs) - 1)
    room = most - len(shell.encode()) - len(tag("wasm", wasm)) - 40_000 * len(runs)
    manifest, blobs = gather(runs, max_points=max_points, budget=room)
    text = json.dumps(manifest, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace(
        "<", "\\u003c"
    )
    parts = [f'<script type="application/json" id="manifest">{text}</script>']
    parts += [tag(name, blob) for name, blob in {**blobs, "wasm": wasm}.items()]
    title = f"<title>{html.escape(manifest['title'])} · vaekit explorer</title>"
    before, after = shell.replace("<title>vaekit explorer</title>", title, 1).split(MARK)
    return "".join([before, "\n".join(parts), after]).encode()


def tag(name: str, blob: Blob) -> str:
    """A blob as a script that no browser runs."""
    planes = f' data-planes="{blob.planes}"' if blob.planes > 1 else ""
    content = base64.b64encode(blob.packed).decode("ascii")
    return f'<script type="application/gzip;base64" id="blob-{name}"{planes}>{content}</script>'


def _shell() -> str:
    shell = _read("index.html").decode("utf-8")
    if shell.count(MARK) != 1:
        raise UserError(f"{FOLDER / 'index.html'} is not the explorer's page; install vaekit anew.")
    return shell


def _read(name: str) -> bytes:
    try:
        return (FOLDER / name).read_bytes()
    except OSError:
        raise UserError(f"{FOLDER / name} is missing; install vaekit anew.") from None
