"""python -m vaekit.explorer.pack RUN... OUT: what a page is made of as files, for work on the page itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from vaekit.explorer.page import gather, make_page
from vaekit.run import Run


def main(arguments: list[str]) -> None:
    """Write manifest.json, a .bin.gz of every blob, and the page."""
    *names, out = arguments
    runs, folder = [Run.open(name) for name in names], Path(out)
    folder.mkdir(parents=True, exist_ok=True)
    manifest, blobs = gather(runs)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=1, allow_nan=False), encoding="utf-8")
    for name, blob in blobs.items():
        suffix = f".planes{blob.planes}" if blob.planes > 1 else ""
        (folder / f"{name}{suffix}.bin.gz").write_bytes(blob.packed)
    (folder / "page.html").write_bytes(make_page(runs))


if __name__ == "__main__":
    main(sys.argv[1:])
