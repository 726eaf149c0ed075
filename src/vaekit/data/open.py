"""open_data: one door to every source."""

from __future__ import annotations

import hashlib
import math
import os
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from vaekit.data.arrays import as_numpy, read_array, read_labels
from vaekit.data.dataset import Dataset, Part, bernoulli
from vaekit.data.files import read_file, read_label_file, refuse_pickle
from vaekit.data.frames import is_frame, is_table
from vaekit.data.named import NAMED, read_named
from vaekit.data.sound import FULL_SCALE
from vaekit.data.sounds import SoundOptions, holds_sounds, read_sounds
from vaekit.data.source import IMAGE_SUFFIXES, Block, Source
from vaekit.data.split import split
from vaekit.data.stream.choose import Stream, kind_of, open_files, settle, values_for_schema
from vaekit.data.stream.part import streamed
from vaekit.data.stream.rows import Rows
from vaekit.data.tables import read_table, table_schema
from vaekit.errors import UserError, did_you_mean, require_seed
from vaekit.schema import Schema

IN_MEMORY = "<array>"
Binarize = Literal["none", "dynamic", "static"]


def open_data(
    data: str | Path | np.ndarray | Tensor | tuple[Any, Any] | Dataset,
    *,
    valid: float | int | None = None,
    test: float | int | None = None,
    binarize: Binarize = "none",
    size: int | tuple[int, int] | None = None,
    labels: str | Path | np.ndarray | Tensor | list[Any] | None = None,
    skip_bad: bool = False,
    seed: int = 0,
    limit: int | None = None,
    labelled: int | None = None,
    types: str | dict[str, str] | None = None,
    rate: int | None = None,
    length: float | None = None,
    clips: Literal["whole", "segments"] | None = None,
    loudness: float | None = None,
    pattern: str | None = None,
    stream: Stream = "auto",
    max_cells: int | None = None,
    sha256: str | None = None,
    shape: tuple[int, ...] | None = None,
) -> Dataset:
    """Open data by name, path or value, and split it.

    Args:
        data: the name of a data set ("mnist"), a folder of images, a .npy, .npz or IDX file, a table (.csv, .tsv,
            .parquet, a polars or pandas frame), a folder of sounds or one long recording, an array or tensor, or a
            pair (x, y).
        valid, test: a share below 1 or a number of examples for the part, 0 for none; by default the source's own
            part, else 20 % for test and then min(10 %, 1000) of the rest for validation.
        binarize: "dynamic" draws each value anew in every batch with x as its probability, "static" once.
        size: (H, W) in pixels, or one number for both, to which a folder's images are resized.
        labels: one label an example, or a file of them; replaces the source's own.
        skip_bad: leave damaged images out, and say so in the notes, instead of stopping.
        seed: fixes the split and the static draw.
        limit: at most so many examples in each part.
        types: kinds of a table's columns in place of the inferred ones, "age=integer,size=ordinal(S<M<L)"; "skip"
            leaves a column out.
        labelled: keep the labels of so many examples of each class of the training part, drawn by seed; the others
            become -1, unknown, for semi-supervised models.
        stream: "always" leaves examples in their files and reads them as they are needed, "never" reads them all at
            once, "auto" decides by the memory.
        max_cells: of a table file with more cells a random sample of the rows is read; by default by the memory.
        rate, length, clips, loudness, pattern: how sounds become examples, as in `SoundOptions`.
        sha256, shape: what an array's content must be, as recorded in `Dataset.source`.

    Returns:
        The Dataset; its `source` holds the arguments that open it again.

    Raises:
        UserError: whatever is wrong with the data, in one sentence.

    Example:
        >>> import numpy as np
        >>> dataset = open_data(np.random.default_rng(0).normal(size=(100, 3)))
        >>> len(dataset.train), len(dataset.valid), len(dataset.test)
        (72, 8, 20)
    """
    if isinstance(data, Dataset):
        return data
    seed = require_seed(seed)
    if binarize not in ("none", "dynamic", "static"):
        raise UserError(f'binarize is "none", "dynamic" or "static"; "{binarize}" came.')
    sound = SoundOptions(rate, length, clips, loudness, pattern)
    source = _read(data, size, skip_bad, types, sound, max_cells, stream)
    _require_recorded(source, sha256, shape)
    if source.kind == "table" and labels is not None:
        raise UserError("A table's labels are a column like any other; leave labels out.")
    label_record = _set_labels(source, labels)
    record = {
        "data": IN_MEMORY, "valid": valid, "test": test, "binarize": binarize, "seed": seed, "limit": limit,
        "labelled": labelled, "size": list(size) if isinstance(size, tuple) else size, "labels": label_record,
        "skip_bad": skip_bad, "types": types, **sound.given(), **source.identity,
    }  # fmt: skip
    return _dataset(source, record)


def _require_recorded(source: Source, sha256: str | None, shape: Any) -> None:
    """Refuse another array than the one that a run was trained on."""
    if sha256 is not None and source.identity.get("sha256") != sha256:
        came = source.identity.get("shape", "no array")
        raise UserError(
            f"The array of shape {came} is not the one recorded, of shape {shape} and sha256 {sha256[:12]}...; "
            "give the same values in the same order."
        )


def _dataset(source: Source, record: dict[str, Any]) -> Dataset:
    """The parts of a source that is read, as its record asks for them."""
    about_sound = [name for name in ("rate", "length", "clips", "loudness", "pattern") if name in record]
    if about_sound and source.kind != "audio":
        raise UserError(f"{about_sound[0]} is about sound, and {source.name} is none; leave it out.")
    binarize, seed, labelled = record["binarize"], record["seed"], record["labelled"]
    parts, sentence = split(source.blocks, record["valid"], record["test"], record["limit"], seed)
    if source.packed:
        for block in parts.values():
            block.raw = np.unpackbits(block.raw, axis=1).reshape(-1, *source.packed)
    if labelled is not None:
        parts["train"].y = _hide_labels(source, parts["train"].y, labelled, seed)
    raw = parts["train"].raw
    if source.kind == "table":
        schema = settle(source, parts) if isinstance(raw, Rows) else table_schema(source, parts)
    else:
        schema = _schema(source, values_for_schema(source, raw) if isinstance(raw, Rows) else raw)
    schema, made = _parts(parts, schema, binarize, seed)
    return Dataset(
        schema, made["train"], made.get("valid"), made.get("test"), record, [*source.notes, sentence],
        source.factor_names,
        sentence,
    )  # fmt: skip


def _read(
    data: Any, size: int | tuple[int, int] | None, skip_bad: bool, types: Any, sound: SoundOptions,
    max_cells: int | None, stream: Stream,
) -> Source:  # fmt: skip
    if isinstance(data, str) and data == IN_MEMORY:
        raise UserError(
            "This data was an array in memory and is not kept; give the same array to open it again."
        )
    if isinstance(data, str) and data in NAMED:
        if size is not None:
            raise UserError(f"size resizes a folder of images; {data} has a fixed size. Leave size out.")
        source = read_named(data, types, sound)
        source.identity = {"data": data}
        return source
    if isinstance(data, (str, Path)):
        return _read_path(data, size, skip_bad, types, sound, max_cells, stream)
    if size is not None:
        raise UserError("size resizes a folder of images; an array has its size. Leave size out.")
    if is_frame(data):
        return read_table(data, types)
    if types:
        raise UserError("types names the columns of a table; an array has none. Leave types out.")
    return _read_value(data)


def _read_path(
    data: str | Path, size: int | tuple[int, int] | None, skip_bad: bool, types: Any, sound: SoundOptions,
    max_cells: int | None, stream: Stream,
) -> Source:  # fmt: skip
    if data == "":
        raise UserError(f"The data has an empty name; expected a path or one of {', '.join(sorted(NAMED))}.")
    path = Path(data).expanduser()
    if path.exists() and not os.access(path, os.R_OK):
        raise UserError(f"{path} may not be read by you; change its permissions.")
    if not path.exists():
        text = str(data)
        if isinstance(data, str) and not {os.sep, "/"} & set(text) and not path.suffix:
            raise UserError(
                f'"{text}" is no data set that vaekit knows, and no file or folder. {did_you_mean(text, NAMED)}'
            )
        raise UserError(
            f"{path} does not exist; give a folder of images, a .csv, .npy, .npz or IDX file, or a data set's name."
        )
    if types and not is_table(path) and kind_of(path) != "table":
        raise UserError(f"types names the columns of a table, and {path} is none; leave types out.")
    if size is not None and holds_sounds(path):
        raise UserError(f"size resizes a folder of images; {path} holds sounds. Leave size out.")
    # A table of which a sample was read once is read so again.
    how: Stream = "never" if max_cells is not None else stream
    in_files = open_files(path, how, size=size, skip_bad=skip_bad, types=types, sound=sound)
    if in_files is not None:
        source = in_files
    elif holds_sounds(path):
        source = read_sounds(path, sound, skip_bad)
    elif path.is_dir():
        from vaekit.data.images import read_folder

        source = read_folder(path, size, skip_bad)
    else:
        refuse_pickle(path)
        if path.suffix.lower() in IMAGE_SUFFIXES:
            raise UserError(f"{path} is a single image; give the folder that holds the images to learn from.")
        if size is not None:
            raise UserError(f"size resizes a folder of images; {path} is a file. Leave size out.")
        source = read_table(path, types, max_cells=max_cells) if is_table(path) else read_file(path)
    source.identity |= {"data": str(path.resolve())}
    return source


def _read_value(data: Any) -> Source:
    """A Source of an array, a tensor, or a pair (x, y)."""
    x, y = data, None
    if isinstance(data, (tuple, list)):
        if len(data) != 2 or not all(hasattr(v, "__len__") for v in data) or not hasattr(data[0], "shape"):
            raise UserError(
                f"A {type(data).__name__} of {len(data)} came; expected an array, or a pair (x, y) of them."
            )
        x, y = data
    if not hasattr(x, "shape"):
        raise UserError(
            f"Data of type {type(x).__name__} came; expected a name, a path, an array or tensor, or (x, y)."
        )
    values = as_numpy(x)
    reading = read_array(values, "The array", channels_last=not isinstance(x, Tensor))
    if np.shares_memory(reading.raw, values):
        reading = reading._replace(raw=reading.raw.copy())  # the user's array may change later
    digest = hashlib.sha256(np.ascontiguousarray(values).data)
    block, names = Block(reading.raw), tuple[str, ...]()
    if y is not None:
        block.y, names = read_labels(y, len(block), "y")
        digest.update(np.ascontiguousarray(as_numpy(y)).tobytes())
    identity = {"data": IN_MEMORY, "shape": list(values.shape), "sha256": digest.hexdigest()}
    return Source(
        "array",
        reading.kind,
        {"all": block},
        reading.levels,
        reading.unit,
        reading.dtype,
        names,
        identity=identity,
    )


def _set_labels(source: Source, labels: Any) -> str | None:
    """Replaces the source's labels; returns how to name them in `Dataset.source`."""
    if labels is None:
        return None
    if isinstance(labels, str) and labels == IN_MEMORY:
        raise UserError(
            "The labels were an array in memory and are not kept; give the same labels to open the data again."
        )
    if "all" not in source.blocks:
        raise UserError(
            f"{source.name} comes with its own split and labels; labels are for data without them."
        )
    block = source.blocks["all"]
    if isinstance(labels, (str, Path)):
        path = Path(labels).expanduser()
        block.y, source.label_names = read_label_file(path, len(block), block.names)
        return str(path.resolve())
    block.y, source.label_names = read_labels(labels, len(block), "labels")
    return IN_MEMORY


def _hide_labels(source: Source, y: np.ndarray | None, labelled: int, seed: int) -> np.ndarray:
    """Labels with all but `labelled` of each class as -1, and a note that says so."""
    if y is None:
        raise UserError(f"labelled={labelled} keeps some labels, and {source.name} has none; pass labels.")
    if isinstance(labelled, bool) or labelled != int(labelled) or labelled < 1:
        raise UserError(f"labelled is a number of examples of each class, at least 1; {labelled} came.")
    random, hidden = np.random.RandomState(seed % 2**32), np.full_like(y, -1)
    for label in np.unique(y[y >= 0]):
        kept = random.permutation(np.flatnonzero(y == label))[: int(labelled)]
        hidden[kept] = label
    source.notes.append(f"{(hidden >= 0).sum():,} of {len(y):,} training labels are kept, drawn with seed {seed}.")
    return hidden


def _schema(source: Source, train: np.ndarray) -> Schema:
    """The Schema of a source; floats are standardized by the training part, so the others stay unseen."""
    common: dict[str, Any] = {"label_names": source.label_names, "name": source.name, "dtype": source.dtype}
    shape = tuple(train.shape[1:])
    if source.levels is not None:
        scale = float(source.levels - 1)
        return Schema(source.kind, shape, 0.0, 1.0, source.levels, 0.0, scale, **common)
    if source.unit:
        return Schema(source.kind, shape, 0.0, 1.0, None, 0.0, 1.0, **common)
    if source.kind == "audio":
        return Schema("audio", shape, -1.0, 1.0, None, 0.0, FULL_SCALE, **common, **source.schema)
    flat = train.reshape(len(train), -1)
    mean, std = flat.mean(0, dtype=np.float64), flat.std(0, dtype=np.float64)
    # A constant feature carries nothing: its deviation is rounding, and dividing by that would blow it up.
    std[std <= 1e-6 * np.maximum(np.abs(mean), 1e-12)] = 1.0
    return Schema(
        source.kind, shape, -math.inf, math.inf, None, tuple(mean.tolist()), tuple(std.tolist()), **common
    )


def _parts(
    blocks: dict[str, Block], schema: Schema, binarize: Binarize, seed: int
) -> tuple[Schema, dict[str, Part]]:
    """Blocks as Parts, and the schema of what they give after binarization."""
    if binarize != "none" and not schema.is_unit:
        raise UserError(
            f"{schema.name} has values without a common range, which no draw can binarize; leave binarize out."
        )
    if binarize == "static" and any(isinstance(block.raw, Rows) for block in blocks.values()):
        raise UserError("A static binarization keeps what it draws, in memory; of streamed data take binarize=dynamic.")
    raws = {name: torch.from_numpy(b.raw) for name, b in blocks.items() if not isinstance(b.raw, Rows)}
    dynamic: Literal["none", "dynamic"] = "none"
    if binarize != "none" and schema.levels != 2:
        fields = {**schema.to_dict(), "levels": 2}
        if binarize == "dynamic":
            dynamic = "dynamic"
        else:
            generator = torch.Generator().manual_seed(seed)
            raws = {name: bernoulli(raw, schema.scale, generator).byte() for name, raw in raws.items()}
            fields |= {"scale": 1.0, "dtype": "uint8"}
        schema = Schema.from_dict(fields)

    def tensor(values: np.ndarray | None) -> Tensor | None:
        return None if values is None else torch.from_numpy(values)

    return schema, {
        name: Part(raws[name], tensor(b.y), b.names, schema, dynamic, seed, tensor(b.factors))
        if name in raws
        else streamed(b, schema, dynamic, seed)
        for name, b in blocks.items()
    }
