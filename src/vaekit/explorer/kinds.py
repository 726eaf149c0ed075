"""What a page has to know of images, sound and tables: values it decodes to, and examples it encodes."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vaekit.errors import UserError
from vaekit.explorer.blobs import Blobs
from vaekit.interop.columns import layout_of
from vaekit.likelihoods import Columns, LogSpectral
from vaekit.nets.spectrogram import LogMel

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model
    from vaekit.schema import Schema

__all__ = ["choose_examples", "kind_of", "state_audio", "state_examples", "state_table", "value_range"]

MAX_COLUMNS, MAX_ROWS = 200, 100_000
NUM_EXAMPLES = {"image": 100, "audio": 16, "table": 200}
EXAMPLES_BUDGET = 400_000
"""Bytes of examples before they are packed."""


def kind_of(model: Model) -> str:
    """ "image", "audio" or "table"; a vector of numbers reads as the row of a table.

    Raises:
        UserError: data that the page cannot show.
    """
    schema = model.schema
    if schema is None:
        raise UserError(
            "The explorer needs to know what the model was trained on, and its config.json states nothing."
        )
    if schema.kind == "image" and schema.shape[0] in (1, 3):
        return "image"
    if schema.kind == "audio":
        return "audio"
    if schema.kind == "table" and isinstance(model.likelihood, Columns):
        return "table"
    if schema.kind == "array" and len(schema.shape) == 1 and schema.shape[0] <= MAX_COLUMNS:
        return "table"
    raise UserError(
        f"The explorer shows images of 1 or 3 channels, sound, tables of the recipe table, and vectors of at most "
        f"{MAX_COLUMNS} numbers; {schema.name} is {schema.kind} data of shape {schema.shape}."
    )


def value_range(schema: Schema, x: Tensor) -> tuple[float, float]:
    """The values that an image or a sound takes, (low, high); of unbounded ones what examples take."""
    low, high = schema.low, schema.high
    if math.isfinite(low) and math.isfinite(high):
        return low, high
    return float(x.nan_to_num().min()), float(x.nan_to_num().max())


def choose_examples(kind: str, part: Part, among: int) -> Tensor:
    """Places of a few examples among the first `among`, each class as often as the others."""
    num = min(
        NUM_EXAMPLES[kind],
        max(8, EXAMPLES_BUDGET // (part.schema.num_features * (1 if kind == "image" else 2))),
    )
    num = min(num, among)
    if part.y is None:
        return torch.arange(num)
    y = part.y[:among].cpu().numpy()
    order = np.argsort(y, kind="stable")
    # The k-th example of every class, then the next one of every class.
    turn = np.empty(len(y), int)
    _, starts, counts = np.unique(y[order], return_index=True, return_counts=True)
    turn[order] = np.concatenate([np.arange(count) for count in counts]) if len(starts) else []
    return torch.from_numpy(np.sort(np.lexsort((y, turn))[:num]))


def state_examples(
    kind: str, schema: Schema, x: Tensor, index: Tensor | None, blobs: Blobs
) -> dict[str, Any]:
    """Examples x (M, *event), as the manifest states them: raw = x * scale + offset, in a small type where one fits."""
    values, dtype, scale = x.numpy(), "float32", 1.0
    if kind == "image" and schema.levels is not None and schema.levels <= 256 and schema.is_unit:
        scale, dtype = float(schema.levels - 1), "uint8"
        values = np.round(values * scale)
    elif kind == "audio":
        scale, dtype = 32767.0, "int16"
        values = np.round(np.clip(values, -1, 1) * scale)
    return {
        "x": blobs.array("examples", values, dtype),
        "index": None if index is None else blobs.array("index", index.numpy(), "int32"),
        "scale": scale,
        "offset": 0.0,
    }


def state_audio(model: Model) -> dict[str, Any]:
    """How the page makes a waveform of what the decoder gives, and a spectrogram of a waveform."""
    schema, likelihood = model.schema, model.likelihood
    assert schema is not None
    assert schema.rate
    is_spectral = isinstance(likelihood, LogSpectral)
    spectrogram = likelihood.spectrogram if isinstance(likelihood, LogSpectral) else _spectrogram(schema)
    return {
        "rate": schema.rate, "size": spectrogram.size, "hop": spectrogram.hop, "before": spectrogram.before,
        "floor": spectrogram.floor, "samples": schema.shape[1], "bands": spectrogram.out_shape[1],
        "output": list(spectrogram.out_shape if is_spectral else schema.shape),
    }  # fmt: skip


def _spectrogram(schema: Schema) -> LogMel:
    """The usual one, for a model that needs none."""
    assert schema.rate
    hop = LogMel.hop_of(schema.rate)
    return LogMel((1, -(-schema.shape[1] // hop) * hop), schema.rate)


def state_table(schema: Schema, part: Part | None) -> dict[str, Any]:
    """The columns of a table: their names and units, where the decoder's output holds them, how often values occur."""
    raw = None if part is None else part.in_memory(MAX_ROWS).raw.double().cpu().numpy()
    if schema.kind == "array":
        return {"columns": [_vector_column(schema, j, raw) for j in range(schema.shape[0])]}
    layout = layout_of(schema)
    columns: list[dict[str, Any]] = []
    for j, (column, place) in enumerate(zip(schema.columns, layout.places, strict=True)):
        decimals = 0 if column.step or column.is_category else column.decimals
        made = {
            "name": column.name, "kind": column.kind, "low": column.low, "high": column.high, "decimals": decimals,
            "start": place.start, "size": place.size, "offset": layout.offset[j], "scale": layout.scale[j],
            "chance": {"start": place.chance_start, "size": place.chance_size},
        }  # fmt: skip
        if column.is_category:
            made["categories"] = list(column.categories)
        if column.kind == "datetime":
            made["format"] = column.format
        if raw is not None:
            made["histogram"] = _histogram(raw[:, j], place.edges, place.chance_size)
        columns.append(made)
    return {"columns": columns}


def _vector_column(schema: Schema, j: int, raw: np.ndarray | None) -> dict[str, Any]:
    """A number of a vector as a column; its decoder's output is in the model's units, so the page's are, too."""
    x = None
    if raw is not None:
        offset, scale = (
            np.broadcast_to(np.asarray(v, float), schema.shape)[j] for v in (schema.offset, schema.scale)
        )
        x = (raw[:, j] - offset) / scale
    low, high = (-3.0, 3.0) if x is None or not len(x) else (float(x.min()), float(x.max()))
    edges = tuple(np.linspace(low, high if high > low else low + 1, 25).tolist())
    return {
        "name": str(j + 1), "kind": "continuous", "low": low, "high": high, "decimals": 3, "start": j, "size": 1,
        "offset": 0.0, "scale": 1.0, "histogram": None if x is None else _histogram(x, edges, 24),
    }  # fmt: skip


def _histogram(values: np.ndarray, edges: tuple[float, ...] | None, size: int) -> dict[str, Any]:
    """How many of the values lie in each bin, the outer ones open, or are each category."""
    values = values[np.isfinite(values)]
    if edges is None:
        return {"counts": np.bincount(values.round().astype(int).clip(0, size - 1), minlength=size).tolist()}
    counts = np.bincount(np.searchsorted(edges[1:-1], values, side="right"), minlength=size)
    return {"edges": list(edges), "counts": counts.tolist()}
