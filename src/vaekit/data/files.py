"""Files that hold arrays: .npy, .npz, IDX, and lists of labels."""

from __future__ import annotations

import csv
import re
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.arrays import Reading, read_array, read_labels
from vaekit.data.idx import read_idx
from vaekit.data.source import Block, Source
from vaekit.errors import UserError

_PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".joblib", ".ckpt", ".bin"}
_TRAIN_TEST = (
    ("x_train", "y_train", "x_test", "y_test"),
    ("train_images", "train_labels", "test_images", "test_labels"),
)
_X_Y = (("x", "y"), ("images", "labels"), ("data", "labels"), ("data", "target"))


def is_idx(path: Path) -> bool:
    """Whether the name is that of an IDX file."""
    stem = path.name.lower().removesuffix(".gz")
    return stem.endswith((".idx", "-ubyte", ".idx1", ".idx3")) or (
        stem != path.name.lower() and "idx" in stem
    )


def refuse_pickle(path: Path) -> None:
    """Refuses files whose reading can run somebody else's code."""
    if path.suffix.lower() in _PICKLES:
        raise UserError(
            f"{path} is a pickle by its name, and opening a pickle can run code hidden in it; "
            "save the arrays with numpy.savez and give the .npz file."
        )


def read_file(path: Path) -> Source:
    """The examples in one file.

    Raises:
        UserError: a format that is not read, or a damaged file.
    """
    refuse_pickle(path)
    suffix = path.suffix.lower()
    if is_idx(path):
        block, reading = _block(read_idx(path), None, str(path))
        return _source(path, {"all": block}, reading)
    if suffix not in (".npy", ".npz"):
        raise UserError(
            f"{path} is a {suffix or 'nameless'} file; expected a folder of images, .npy, .npz or IDX (-ubyte, .gz)."
        )
    loaded = load_numpy(path)
    if isinstance(loaded, np.ndarray):
        block, reading = _block(loaded, None, str(path))
        return _source(path, {"all": block}, reading)
    return _read_npz(path, loaded)


def load_numpy(path: Path) -> np.ndarray | dict[str, np.ndarray]:
    """The array of a .npy file, or all arrays of a .npz file by name; never a pickle."""
    errors = (OSError, ValueError, EOFError, KeyError, NotImplementedError, zipfile.BadZipFile, zlib.error)
    try:
        # Opened here, because numpy leaves a damaged .npz open.
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            return loaded if isinstance(loaded, np.ndarray) else {name: loaded[name] for name in loaded.files}
    except errors as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: Exception) -> UserError:
    if "allow_pickle" in str(error) or "pickle" in str(error):
        return UserError(
            f"{path} holds Python objects, not plain numbers, and vaekit never opens a pickle; "
            "save it again as an array of numbers."
        )
    return UserError(
        f"{path} is cut off, damaged or no numpy file ({str(error).rstrip('.')}); make or fetch it again."
    )


def _read_npz(path: Path, arrays: dict[str, np.ndarray]) -> Source:
    by_key = {name.lower(): value for name, value in arrays.items()}
    for x_key, y_key, x_test, y_test in _TRAIN_TEST:
        if x_key in by_key:
            parts = {"train": (x_key, y_key), "valid": ("x_valid", "y_valid"), "test": (x_test, y_test)}
            return _by_parts(path, by_key, {k: v for k, v in parts.items() if v[0] in by_key})
    if "train" in by_key:
        keys: dict[str, tuple[str, str]] = {
            name: (name, "") for name in ("train", "valid", "test") if name in by_key
        }
        return _by_parts(path, by_key, keys)
    for x_key, y_key in sorted(_X_Y, key=lambda keys: keys[1] not in by_key):  # pairs with labels first
        if x_key in by_key:
            return _by_parts(path, by_key, {"all": (x_key, y_key)})
    if len(by_key) == 1:
        return _by_parts(path, by_key, {"all": (next(iter(by_key)), "")})
    raise UserError(
        f"{path} holds {', '.join(arrays) or 'no arrays'}; expected x and y, images and labels, "
        "x_train, y_train, x_test and y_test, or a single array."
    )


def _by_parts(path: Path, arrays: dict[str, np.ndarray], keys: dict[str, tuple[str, str]]) -> Source:
    """A Source from named arrays; parts read alike, labels share their class names."""
    x = [arrays[x_key] for x_key, _ in keys.values()]
    shapes = {a.shape[1:] for a in x}
    if len(shapes) > 1:
        raise UserError(
            f"{path} has parts of different shapes: {', '.join(map(str, sorted(shapes)))}; expected one."
        )
    # Read as one array, so that every part gets the same kind and levels.
    block, reading = _block(
        np.concatenate(x) if len(x) > 1 else x[0], None, f"{path} [{', '.join(k for k, _ in keys.values())}]"
    )
    names: tuple[str, ...] = ()
    with_labels = [y_key in arrays for _, y_key in keys.values()]
    if all(with_labels):
        for (_, y_key), values in zip(keys.values(), x):
            read_labels(arrays[y_key], len(values), f"{path} [{y_key}]")
        y = np.concatenate([arrays[y_key].reshape(-1) for _, y_key in keys.values()])
        block.y, names = read_labels(y, len(y), f"{path} labels")
    ends = np.cumsum([len(a) for a in x])
    blocks = {
        part: block.take(np.arange(end - len(a), end)) if len(x) > 1 else block
        for part, a, end in zip(keys, x, ends)
    }
    return _source(path, blocks, reading, names)


def _block(x: np.ndarray, y: Any, what: str) -> tuple[Block, Reading]:
    reading = read_array(x, what)
    return Block(reading.raw, y), reading


def _source(path: Path, blocks: dict[str, Block], reading: Reading, names: tuple[str, ...] = ()) -> Source:
    name = path.name.split(".")[0] or path.name
    return Source(name, reading.kind, blocks, reading.levels, reading.unit, reading.dtype, names)


def read_label_file(path: Path, count: int, names: list[str] | None = None) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels from a .npy, IDX, or text file with one label a line; or a .csv of file names and labels."""
    refuse_pickle(path)
    if not path.is_file():
        raise UserError(f"The file of labels, {path}, does not exist.")
    values: Any
    if path.suffix.lower() == ".npy":
        values = load_numpy(path)
    elif is_idx(path):
        values = read_idx(path)
    elif path.suffix.lower() in (".txt", ".csv"):
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
        if names and (found := _labels_by_name(lines, names, path)) is not None:
            return read_labels(found, count, str(path))
        values = np.array(lines, dtype=str)
    else:
        raise UserError(
            f"{path} is no file of labels; expected .npy, IDX, or .txt or .csv with one label a line."
        )
    return read_labels(values, count, str(path))


def _labels_by_name(lines: list[str], names: list[str], path: Path) -> list[str] | None:
    """The labels of named examples from rows "file,label", with or without a header; None for rows of another form."""
    rows = [row for row in csv.reader(lines) if row]
    if any(len(row) != 2 for row in rows):
        return None
    known = {file.strip(): label.strip() for file, label in rows}
    files = [re.sub(r"@[\d.]+s$", "", name) for name in names]  # segments are named by their recording and start
    # By the path below the folder, or by the file's own name where that is what the table has.
    labels = [known.get(file, known.get(Path(file).name)) for file in files]
    missing = [file for file, label in zip(files, labels) if label is None]
    if len(missing) == len(files):
        return None
    if missing:
        raise UserError(
            f"{path} has no label for {len(missing):,} of {len(files):,} examples, the first {missing[0]}; "
            "add rows for them, or take the files out."
        )
    return [label for label in labels if label is not None]
