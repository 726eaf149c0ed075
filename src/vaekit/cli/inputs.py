"""What a verb reads: a run, its model, one of its parts, or examples that the user brings."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from vaekit.errors import UserError, did_you_mean
from vaekit.run import Run

if TYPE_CHECKING:
    from torch import Tensor

    from vaekit.data import Dataset, Part
    from vaekit.data.sounds import SoundOptions
    from vaekit.data.source import Source
    from vaekit.model import Model
    from vaekit.schema import Schema

PartName = Literal["test", "valid", "train"]
IMAGES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")


def open_run(path: str | Path) -> Run:
    """The run at `path`, or the one of that name in the folder `runs`.

    Raises:
        UserError: there is none, with a suggestion.
    """
    path = Path(path)
    usual = Path("runs") / path
    if not path.exists() and len(path.parts) == 1 and (usual / "config.toml").is_file():
        path = usual
    if not path.exists() and not path.suffix:
        folder = usual.parent if len(path.parts) == 1 else path.parent
        known = [p.name for p in folder.iterdir() if (p / "config.toml").is_file()] if folder.is_dir() else []
        hint = did_you_mean(path.name, known) if known else "`vaekit train DATA` makes one."
        raise UserError(f"There is no run at {path}. {hint}")
    return Run.open(path)


def load_model(run: Run, device: str) -> Model:
    """The run's model, ready for use.

    Raises:
        UserError: it has no weights yet, or they are damaged.
    """
    from vaekit.api import choose_device, load
    from vaekit.training.distributed import join

    if not (run.path / "model.safetensors").exists() and (run.path / "checkpoints").is_dir():
        raise UserError(
            f"{run.path} has no model yet: its training stopped in the first epoch, or still runs. "
            f"Continue it with `vaekit train --resume {run.path}`."
        )
    return load(run, device=str(join(choose_device(device))))


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
    if model.needs_labels and part.y is None:
        raise UserError(
            "This model was trained with --conditional and needs a label for every example; give a folder with a "
            "sub-folder for each class, or an .npz with x and y."
        )
    for x, y in part.batches(size):
        yield x.to(model.device), y.to(model.device) if model.condition and y is not None else None


def read_input(given: str, schema: Schema, binarize: str = "none") -> Part:
    """All examples of a file, folder or named data set as a Part that reads like the model's own data.

    Images are brought to the model's size, channels and levels; arrays must have its shape.

    Raises:
        UserError: unreadable, or of another shape or range.
    """
    from vaekit.cli.answer import say
    from vaekit.cli.large_inputs import in_files
    from vaekit.data.files import read_file
    from vaekit.data.images import read_folder
    from vaekit.data.named import NAMED, read_named
    from vaekit.data.sounds import holds_sounds, read_sounds

    path = Path(given).expanduser()
    if schema.kind == "table":
        return read_table_input(path, schema)
    sound = sound_options(schema) if schema.kind == "audio" else None
    if path.exists() and (large := in_files(path, schema, sound)) is not None:
        return fitted(large, schema, binarize)
    if not path.exists():
        if given in NAMED:
            return fitted(read_named(given, sound=sound), schema, binarize)
        raise UserError(f"{given} does not exist; give an image, a folder of images, or a .npy, .npz or IDX file.")
    if sound is not None and holds_sounds(path):
        source = read_sounds(path, sound, skip_bad=None)
        for note in source.notes:
            if not note.endswith("silence at the end.") and not note.startswith("Loudness"):
                say(note)
        return fitted(source, schema, binarize)
    if path.is_dir():
        size = (schema.shape[1], schema.shape[2]) if schema.kind == "image" else None
        source = read_folder(path, size, skip_bad=None)
        for note in source.notes:
            say(note)
        return fitted(source, schema, binarize)
    if path.suffix.lower() in IMAGES:
        return fitted(_one_image(path, schema), schema, binarize)
    return fitted(read_file(path), schema, binarize)


def sound_options(schema: Schema) -> SoundOptions:
    """How recordings become examples that a model of sound takes."""
    from vaekit.data.sounds import SoundOptions

    assert schema.rate is not None
    clips: Literal["whole", "segments"] = "segments" if schema.clips == "segments" else "whole"
    return SoundOptions(schema.rate, schema.shape[1] / schema.rate, clips, schema.loudness)


def read_table_input(path: Path, schema: Schema) -> Part:
    """All rows of a table as a Part with the model's columns; what does not fit is said on standard error.

    Raises:
        UserError: no table, or one that lacks columns.
    """
    import torch

    from vaekit.cli.answer import say
    from vaekit.cli.large_inputs import large_table
    from vaekit.data import Part
    from vaekit.data.frames import is_table
    from vaekit.data.tables import read_rows

    if (large := large_table(path, schema)) is not None:
        say("The table is read piece by piece; cells that do not fit the model's columns count as missing.")
        return large
    if not path.is_file() or not is_table(path):
        what = "is no table" if path.exists() else "does not exist"
        raise UserError(f"{path} {what}; this model was trained on a table: give a .csv, .tsv or .parquet file.")
    raw, notes, _ = read_rows(path, schema)
    for note in notes:
        say(note)
    return Part(torch.from_numpy(raw), None, None, schema)


def _one_image(path: Path, schema: Schema) -> Source:
    """One image file, at the model's size."""
    from vaekit.cli.answer import say
    from vaekit.data.images import shallow_note
    from vaekit.data.pixels import Bad, Form, header, in_threads, pixels, strict_pillow
    from vaekit.data.source import Block, Source

    if schema.kind != "image":
        raise UserError(f"{path} is an image; this model was trained on {schema.kind} data of shape {schema.shape}.")

    def read(file: Path) -> tuple[Form, Any]:
        form, is_shallow = header(file)
        if is_shallow:
            say(shallow_note(1))
        form = form._replace(height=schema.shape[1], width=schema.shape[2])
        return form, pixels(file, form)

    with strict_pillow():
        found = next(iter(in_threads(read, [path])))
    if isinstance(found, Bad):
        raise UserError(f"{path} cannot be used ({found.reason}); repair it, or give another.")
    form, planes = found
    return Source(path.stem, "image", {"all": Block(planes[None].copy(), names=[path.name])}, 2**form.bits)


def fitted(source: Source, schema: Schema, binarize: str) -> Part:
    """A source's examples under the model's schema, so that their values mean there what they mean here.

    Pixels of image files are brought to the model's grid of values; whole numbers of an array are the data's own raw
    values; decimals are, where the model was trained on decimals, and else shares of the full range.

    Raises:
        UserError: another shape, or values outside the model's range.
    """
    import dataclasses

    import numpy as np
    import torch

    from vaekit.cli.large_inputs import whole
    from vaekit.data import Part
    from vaekit.data.stream.part import streamed

    blocks = list(source.blocks.values())
    # Grey given to a model of binarized data is drawn as its own data was.
    drawn: Literal["none", "dynamic"] = "dynamic" if binarize == "dynamic" and source.levels != 2 else "none"
    if not isinstance(blocks[0].raw, np.ndarray):
        source.blocks = {"all": whole(source)}
        block = source.blocks["all"]
        block.y = None if (y := _labels(source, schema)) is None else y.numpy()
        found = streamed(block, schema, drawn, 0)
        is_named = block.names is not None

        def convert(raw: Tensor) -> Tensor:
            return _fit(raw, source, schema, is_named)

        return dataclasses.replace(found, raw=convert(found.raw), convert=convert)
    values = np.concatenate([block.raw for block in blocks])
    if source.packed:
        values = np.unpackbits(values, axis=1).reshape(-1, *source.packed)
    names = [name for block in blocks for name in block.names or []]
    raw = _fit(torch.from_numpy(values), source, schema, bool(names))
    return Part(raw, _labels(source, schema), names or None, schema, drawn)


def _fit(raw: Tensor, source: Source, schema: Schema, is_named: bool) -> Tensor:
    """Values (n, ...) of a source as the model's own data would hold them.

    Raises:
        UserError: another shape, or values outside the model's range.
    """
    if source.kind == "image" == schema.kind and raw.shape[1] != schema.shape[0]:
        raw = with_channels(raw, schema.shape[0])
    if tuple(raw.shape[1:]) != schema.shape:
        raise UserError(
            f"The examples have shape {tuple(raw.shape[1:])}; this model takes {schema.shape}, as {schema.name} has."
        )
    if not schema.is_unit:
        return raw
    full = schema.scale if isinstance(schema.scale, float | int) else 1.0
    if is_named and source.levels:
        raw = raw.double() * (full / (source.levels - 1))
    elif raw.is_floating_point() and schema.levels is not None:
        raw = raw.double() * full
    low, high = (float(raw.min()), float(raw.max())) if len(raw) else (0.0, 0.0)
    if low < 0 or high > full * (1 + 1e-6):
        raise UserError(f"The examples have values from {low:g} to {high:g}; this model takes 0 to {full:g}, as "
                        f"{schema.name} has.")  # fmt: skip
    return raw.round().int() if schema.levels is not None else raw.float()


def _labels(source: Source, schema: Schema) -> Tensor | None:
    """Labels in the model's own numbers, where it knows all of their names."""
    import numpy as np
    import torch

    labels = [block.y for block in source.blocks.values() if block.y is not None]
    known = {name: i for i, name in enumerate(schema.label_names)}
    if not labels or not set(source.label_names) <= set(known):
        return None
    return torch.tensor([known[name] for name in source.label_names])[torch.from_numpy(np.concatenate(labels))]


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
