"""What a verb reads: a run, its model, one of its parts, or examples that the user brings."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from vaekit.errors import UserError, did_you_mean
from vaekit.run import Run

if TYPE_CHECKING:
    from torch import Tensor

    from vaekit.data import Dataset, Part
    from vaekit.model import Model
    from vaekit.schema import Schema

PartName = Literal["test", "valid", "train"]
IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
LEVELS_OF_FILES = {8: 255, 16: 65535}


def open_run(path: str | Path) -> Run:
    """The run at `path`, or the one of that name in the folder `runs`.

    Raises:
        UserError: there is none, with a suggestion.
    """
    path = Path(path)
    usual = Path("runs") / path
    if not path.exists() and len(path.parts) == 1 and (usual / "config.toml").is_file():
        path = usual
    if not path.exists() and path.parent.is_dir():
        known = [p.name for p in path.parent.iterdir() if (p / "config.toml").is_file()]
        hint = did_you_mean(path.name, known) if known else "`vaekit train DATA` makes one."
        if path.suffix == "":
            raise UserError(f"There is no run at {path}. {hint}")
    return Run.open(path)


def load_model(run: Run, device: str) -> Model:
    """The run's model, ready for use.

    Raises:
        UserError: it has no weights yet, or they are damaged.
    """
    from vaekit.api import load

    if not (run.path / "model.safetensors").exists() and (run.path / "checkpoints").is_dir():
        raise UserError(
            f"{run.path} has no model yet: its training stopped in the first epoch, or still runs. "
            f"Continue it with `vaekit train --resume {run.path}`."
        )
    return load(run, device=device)


def held_out(data: Dataset, name: PartName | None = None) -> tuple[str, Part]:
    """The part of that name; by default the first there is of test, valid and train.

    Raises:
        UserError: the data has no such part.
    """
    parts = data.parts
    if name is None:
        name = next(n for n in ("test", "valid", "train") if n in parts)
    if name not in parts:
        raise UserError(f"{data.schema.name} has no {name} part; it has {', '.join(parts)}.")
    return name, parts[name]


def examples(run: Run, source: str | None, part: PartName | None = None) -> tuple[str, Part]:
    """What to work on and what to call it: a part of the run's data, or every example that `source` holds.

    Raises:
        UserError: `source` cannot be read, or does not fit the run's model.
    """
    if source is None:
        name, found = held_out(run.load_data(), part)
        return f"the {name} part", found
    if part is not None:
        raise UserError("--part chooses among the run's own data; leave it out where INPUT is given.")
    return source, read_input(source, run.schema, run.config.get("data", {}).get("binarize", "none"))


def batches(model: Model, part: Part, size: int = 256) -> Iterator[tuple[Tensor, Tensor | None]]:
    """x and, for a conditional model, its labels, on the model's device, in order.

    Raises:
        UserError: the model needs labels and the examples have none.
    """
    if model.condition and part.y is None:
        raise UserError(
            "This model was trained with --conditional and needs a label for every example; give a folder with a "
            "sub-folder for each class, or an .npz with x and y."
        )
    for x, y in part.batches(size):
        yield x.to(model.device), y.to(model.device) if model.condition and y is not None else None


def read_input(source: str, schema: Schema, binarize: str = "none") -> Part:
    """All examples of a file, folder or named data set as a Part that reads like the model's own data.

    Images are brought to the model's size, channels and levels; arrays must have its shape.

    Raises:
        UserError: unreadable, or of another shape or range.
    """
    import torch

    from vaekit.data import open_data

    path = Path(source).expanduser()
    if path.suffix.lower() in IMAGES and path.is_file():
        return fitted(_one_image(path, schema), schema, binarize)
    size = (schema.shape[1], schema.shape[2]) if schema.kind == "image" and path.is_dir() else None
    data = open_data(source, valid=0, test=0, size=size) if _has_one_block(source) else open_data(source, size=size)
    parts = list(data.parts.values())
    names = [name for part in parts for name in (part.names or [])]
    y = torch.cat([part.y for part in parts if part.y is not None]) if data.schema.label_names else None
    known = {name: i for i, name in enumerate(schema.label_names)}
    if y is not None and set(data.schema.label_names) <= set(known):
        y = torch.tensor([known[name] for name in data.schema.label_names])[y]  # the model's own numbers
    else:
        y = None
    whole = dataclasses.replace(parts[0], raw=torch.cat([part.raw for part in parts]), y=y, names=names or None)
    return fitted(whole, schema, binarize)


def _has_one_block(source: str) -> bool:
    """Whether the split is ours to switch off; named sets keep their own."""
    from vaekit.data.named import NAMED

    return source not in NAMED


def _one_image(path: Path, schema: Schema) -> Part:
    """One image file as a part of one example."""
    import shutil
    import tempfile

    import torch

    from vaekit.data import Part
    from vaekit.data.images import read_folder

    if schema.kind != "image":
        raise UserError(f"{path} is an image; the model was trained on {schema.kind} data of shape {schema.shape}.")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(path, folder)
        source = read_folder(Path(folder), size=(schema.shape[1], schema.shape[2]))
    block = source.blocks["all"]
    from vaekit.schema import Schema as Made

    levels = source.levels
    made = Made("image", tuple(block.raw.shape[1:]), 0.0, 1.0, levels, 0.0, float((levels or 2) - 1), source.dtype)
    return Part(torch.from_numpy(block.raw), None, [path.name], made)


def fitted(part: Part, schema: Schema, binarize: str) -> Part:
    """The part under the model's schema: its raw values mean the same there.

    Raises:
        UserError: another shape, or values outside the model's range.
    """
    import torch

    own = part.schema
    raw = part.raw
    if own.kind == "image" == schema.kind and own.shape[0] != schema.shape[0]:
        raw = with_channels(raw, schema.shape[0])
    if tuple(raw.shape[1:]) != schema.shape:
        raise UserError(
            f"The examples have shape {tuple(raw.shape[1:])}; this model takes {schema.shape}, as {schema.name} has."
        )
    if schema.levels is not None or schema.is_unit:
        if not own.is_unit:
            low, high = float(raw.min()), float(raw.max())
            raise UserError(f"The examples have values in [{low:g}, {high:g}]; this model takes a grid of "
                            f"{schema.levels or 'values in [0, 1]'}, as {schema.name} has.")
        x = (raw.double() - torch.tensor(own.offset)) / torch.tensor(own.scale)
        scale = float(schema.scale) if not isinstance(schema.scale, tuple) else 1.0
        raw = x * scale
        if schema.levels is not None and own.levels != schema.levels:
            raw = raw.round()  # onto the model's grid
        raw = raw.float() if schema.levels is None else raw.round().int()
    dynamic: Literal["none", "dynamic"] = "dynamic" if binarize == "dynamic" and own.levels != 2 else "none"
    return dataclasses.replace(part, raw=raw, schema=schema, binarize=dynamic)


def with_channels(raw: Tensor, channels: int) -> Tensor:
    """Images (N, C, H, W) with that many channels: grey is repeated, colours are averaged as the eye weighs them."""
    import torch

    colour = raw[:, :3]
    if channels == 1:
        weights = torch.tensor([0.299, 0.587, 0.114] if colour.shape[1] == 3 else [1.0]).view(1, -1, 1, 1)
        grey = (colour[:, : weights.shape[1]] * weights).sum(1, keepdim=True)
        return grey.round().to(raw.dtype) if not raw.is_floating_point() else grey
    if channels == 3:
        return colour.expand(-1, 3, -1, -1) if colour.shape[1] == 1 else colour
    return raw
