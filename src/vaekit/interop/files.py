"""write_export: a folder with a model's ONNX files and a page of JSON that says how to use them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit.errors import UserError
from vaekit.files import write_atomic, write_json
from vaekit.interop.onnx import Graph, export_onnx

if TYPE_CHECKING:
    from vaekit.model import Model

__all__ = ["MEANINGS", "write_export"]

MEANINGS = {
    "x": "an example as the model sees it, (raw - offset) / scale, a missing cell of a table NaN; the decoder needs it "
    "for log_px only, and takes zeros where that is not wanted",
    "eps": "standard normal noise; zeros give the mean",
    "y": "the class, one-hot",
    "z": "latents; of several layers those from the top down, flattened; mean + std * eps",
    "codes": "integers from 0, the discrete latents",
    "mean": "of q(z|x), from the encoder; of p(x|z), from the decoder, in the units of x; of sound its log-mel "
    "spectrogram where the likelihood is LogSpectral; of tables the mean, the 10 % and the 90 % quantile of a number "
    "in raw units, and the chances of categories",
    "std": "spread of q(z|x)",
    "kl": "KL(q(z|x) || p(z)) in nats, of each dimension where it has a term for each",
    "class": "q(y|x)",
    "chance": "chances of the categories of a table, and of the bins of its numbers",
    "log_px": "log p(x|z) in nats",
}


def write_export(model: Model, folder: Path) -> dict[str, Any]:
    """Write encoder.onnx, decoder.onnx and model.json.

    Returns:
        What model.json says.

    Raises:
        UserError: the model cannot be exported, or the folder not written.
    """
    graphs = export_onnx(model)
    parts = {"encoder": graphs.encoder, "decoder": graphs.decoder}
    used = [name for part in parts.values() for name in (*part.inputs, *part.outputs)]
    about: dict[str, Any] = {
        "format": 1,
        "model": type(model).__name__,
        "likelihood": type(model.likelihood).__name__,
        "parts": {name: _stated(name, part) for name, part in parts.items()},
        "meanings": {name: MEANINGS[name] for name in dict.fromkeys(used)},
        "schema": None if model.schema is None else model.schema.to_dict(),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{folder} could not be made ({error.strerror}); choose another place with -o."
        ) from None
    for name, part in parts.items():
        write_atomic(folder / f"{name}.onnx", part.onnx, "free space or choose another place with -o")
    write_json(folder / "model.json", about)
    return about


def _stated(name: str, graph: Graph) -> dict[str, Any]:
    """One file: its inputs and outputs, each with its shape and type, the batch first."""
    return {
        "file": f"{name}.onnx",
        "inputs": list(graph.inputs),
        "outputs": list(graph.outputs),
        "shapes": {key: ["batch", *graph.shapes[key]] for key in (*graph.inputs, *graph.outputs)},
        "types": {key: "int64" if key == "codes" else "float32" for key in (*graph.inputs, *graph.outputs)},
        "bytes": len(graph.onnx),
        "error": graph.error,
    }
