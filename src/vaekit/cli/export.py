"""vaekit export: a model for other programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from vaekit.cli.answer import Answer, pairs, say
from vaekit.cli.common import Common, Force
from vaekit.cli.inputs import open_run
from vaekit.errors import UserError

EXAMPLE = "vaekit export runs/digits-1 -o digits-onnx"


def export(
    run: str,
    /,
    *,
    output: Annotated[str | None, Parameter(alias="-o")] = None,
    force: Force = False,
    common: Common = Common(),  # noqa: B008
) -> Answer:
    """Write encoder and decoder in ONNX's format, for programs without Python.

    Both are compared with PyTorch before they are written. Needs pip install 'vaekit[export]'.

    Args:
        run: a run folder, or a name in runs/.
        output: a folder; it gets encoder.onnx, decoder.onnx and model.json, which says what goes in and comes out.
            [default: RUN-onnx]
    """
    opened = open_run(run)
    folder = Path(f"{opened.name}-onnx" if output is None else output).expanduser()
    if folder.suffix or folder.is_file():
        raise UserError(f"-o names a folder for encoder.onnx and decoder.onnx; {folder} came.")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise UserError(f"{folder} already exists; choose another name, or pass --force.")
    from vaekit.interop.files import write_export

    say("Exporting ...")
    written = write_export(opened.load_model("cpu"), folder)
    facts: dict[str, Any] = {"run": str(opened.path), "output": str(folder), **written}

    def view() -> Any:
        about = {
            name: f"{', '.join(part['inputs'])} to {', '.join(part['outputs'])}; {part['bytes'] / 1e6:.2f} MB; "
            f"differs from PyTorch by {part['error']:.1g}"
            for name, part in written["parts"].items()
        }
        return pairs(str(folder), about)

    return Answer(json.loads(json.dumps(facts)), view)
