"""vaekit explore: a run as a page that one can touch."""

from __future__ import annotations

import os
import sys
from typing import Annotated

from cyclopts import Parameter

from vaekit.cli.answer import Answer, say
from vaekit.cli.common import Common, Force
from vaekit.cli.inputs import open_run
from vaekit.cli.output import Output
from vaekit.errors import UserError

EXAMPLE = "vaekit explore runs/digits-1"


def explore(
    run: str,
    run2: str | None = None,
    /,
    *,
    html: str | None = None,
    port: int = 0,
    open: Annotated[bool, Parameter(negative="--no-open", show_default=False)] = True,
    points: int = 50_000,
    force: Force = False,
    common: Common = Common(),  # noqa: B008
) -> Answer | None:
    """Open the latent space in the browser: drag through it, draw into it, hear it, watch it being learned.

    Needs pip install 'vaekit[explore]'.

    Args:
        run: a run folder, or a name in runs/.
        run2: another one, to see beside it: an autoencoder beside a VAE.
        html: write the page as one file that works offline, instead of serving it.
        port: of 127.0.0.1; 0 takes a free one.
        open: open the browser, where there is one.
        points: examples on the map at most; fewer where the page would be larger than 7 MB, of two
            runs 10 MB.
    """
    runs = [open_run(name) for name in (run, run2) if name is not None]
    if points < 1:
        raise UserError(f"--points must be at least 1; {points} came.")
    planned = None if html is None else Output.plan(html, "explorer.html", (".html", ".htm"), force=force)
    from vaekit.explorer.page import make_page
    from vaekit.explorer.server import require_packages, serve

    if planned is None:
        require_packages()
    say("Encoding the data and exporting the model ...")
    page = make_page(runs, max_points=points)
    facts = {"runs": [str(each.path) for each in runs], "bytes": len(page)}
    if planned is not None:
        path = planned.write(page)
        return Answer(
            facts | {"output": path},
            lambda: f"A page of {len(page) / 1e6:.1f} MB, which needs nothing else: {path}",
        )

    def ready(address: str) -> None:
        text = f"The explorer is at {address} until you press Ctrl-C."
        Answer(facts | {"address": address}, lambda: text).show(as_json=common.json)
        if open and has_browser():
            import webbrowser

            webbrowser.open(address)

    serve(page, port=port, ready=ready)
    return None  # what there was to say, was said when it began


def has_browser() -> bool:
    """Whether there is a screen to open one on; a browser in the terminal would take it over."""
    return sys.platform in ("darwin", "win32") or any(
        os.environ.get(n) for n in ("DISPLAY", "WAYLAND_DISPLAY")
    )
