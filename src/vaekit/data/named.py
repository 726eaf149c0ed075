"""Named data sets: where each is found, and how its files become examples."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.files import load_numpy
from vaekit.data.idx import read_idx
from vaekit.data.sounds import SoundOptions
from vaekit.data.source import Block, Source
from vaekit.errors import UserError

IDX_FILES = {
    "train": ("train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"),
    "test": ("t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"),
}
CLOTHES = (
    *("T-shirt/top", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle boot"),
)
# Where Debian's package dataset-fashion-mnist puts its files.
DEBIAN = {"fashion-mnist": Path("/usr/share/datasets/fashion-mnist")}


def cache_folder() -> Path:
    """Where downloads are kept: `vaekit/data` in the user's cache."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("vaekit")) / "data"


def read_named(name: str, types: Any = None, sound: SoundOptions | None = None) -> Source:
    """The data set called `name`; `types` are kinds of a table's columns, `sound` is how recordings become examples.

    Looks in `$VAEKIT_DATA`, the cache, Debian's folder, and then downloads into the cache.

    Raises:
        UserError: it is nowhere and cannot be downloaded, or types for what is no table.
    """
    if name == "adult":
        return _adult(name, types)
    if types:
        raise UserError(f"types names the columns of a table, and {name} is none; leave types out.")
    if name == "fsdd":
        return _fsdd(name, sound)
    return NAMED[name](name)


def locate(name: str, files: tuple[str, ...]) -> Path:
    """The folder that holds all of `files`, downloaded if need be."""
    folders = [cache_folder() / name, *([DEBIAN[name]] if name in DEBIAN else [])]
    if os.environ.get("VAEKIT_DATA"):
        folders.insert(0, Path(os.environ["VAEKIT_DATA"]).expanduser() / name)
    for folder in folders:
        if all(find(folder, file) for file in files):
            return folder
    from vaekit.data.download import fetch, write

    if name == "shapes":
        from vaekit.data.shapes import make

        write(cache_folder() / name / "shapes.npz", make())
        return cache_folder() / name
    fetch(name, cache_folder() / name, files)
    return cache_folder() / name


def find(folder: Path, file: str) -> Path | None:
    """`file` in `folder`, or the same without its .gz."""
    for path in (folder / file, folder / file.removesuffix(".gz")):
        if path.is_file():
            return path
    return None


def read_idx_folder(folder: Path, name: str, label_names: tuple[str, ...] = ()) -> Source:
    """Images and labels in four IDX files named as those of MNIST."""
    blocks = {}
    for part, (image_file, label_file) in IDX_FILES.items():
        images, labels = find(folder, image_file), find(folder, label_file)
        assert images is not None
        assert labels is not None
        raw, y = read_idx(images), read_idx(labels)
        if raw.ndim != 3 or raw.dtype != np.uint8 or y.shape != raw.shape[:1]:
            raise UserError(
                f"{images} holds {raw.dtype} {raw.shape} and {labels.name} holds {y.shape}; "
                "expected uint8 images (N, H, W) and one label for each."
            )
        blocks[part] = Block(raw[:, None], y.astype(np.int64))
    if not label_names:
        classes = 1 + max(int(block.y.max()) for block in blocks.values() if block.y is not None)
        label_names = tuple(str(i) for i in range(classes))
    return Source(name, "image", blocks, levels=256, label_names=label_names)


def _all_idx_files() -> tuple[str, ...]:
    return tuple(file for pair in IDX_FILES.values() for file in pair)


def _arrays(name: str, file: str, keys: tuple[str, ...]) -> dict[str, np.ndarray]:
    """The arrays of a .npz file that must have `keys`."""
    path = locate(name, (file,)) / file
    arrays = load_numpy(path)
    if not isinstance(arrays, dict) or not set(keys) <= set(arrays):
        raise UserError(f"{path} lacks some of the arrays {', '.join(keys)}; fetch it again.")
    return arrays


def _mnist(name: str) -> Source:
    return read_idx_folder(locate(name, _all_idx_files()), name)


def _fashion(name: str) -> Source:
    return read_idx_folder(locate(name, _all_idx_files()), name, CLOTHES)


def _digits(name: str) -> Source:
    from sklearn.datasets import load_digits

    bunch = load_digits()
    raw = bunch.images.astype(np.uint8)[:, None]
    block = Block(raw, bunch.target.astype(np.int64))
    return Source(name, "image", {"all": block}, levels=17, label_names=tuple(map(str, range(10))))


def _binarized_mnist(name: str) -> Source:
    arrays = _arrays(name, "binarized_mnist.npz", ("train", "valid", "test"))
    blocks = {part: Block(arrays[part]) for part in ("train", "valid", "test")}
    return Source(name, "image", blocks, levels=2, packed=(1, 28, 28))


def _freyfaces(name: str) -> Source:
    raw = load_numpy(locate(name, ("freyfaces.npy",)) / "freyfaces.npy")
    if not isinstance(raw, np.ndarray) or raw.dtype != np.uint8 or raw.shape[1:] != (28, 20):
        raise UserError("freyfaces.npy is not the array (1965, 28, 20) of uint8 expected; fetch it again.")
    note = "The frames are a video: neighbours are alike, so a split drawn at random leaks between its parts."
    return Source(name, "image", {"all": Block(raw[:, None])}, levels=256, notes=[note])


def _shapes(name: str) -> Source:
    arrays = _arrays(name, "shapes.npz", ("images", "factors", "factor_names", "shape_names"))
    factors = arrays["factors"].astype(np.int64)
    return Source(
        name, "image", {"all": Block(arrays["images"], factors[:, 0].copy(), factors=factors)}, levels=2,
        packed=(1, 64, 64),
        label_names=tuple(arrays["shape_names"].tolist()), factor_names=tuple(arrays["factor_names"].tolist()),
    )  # fmt: skip


def _adult(name: str, types: Any = None) -> Source:
    from vaekit.data.frames import read_frame
    from vaekit.data.tables import encode

    file = find(locate(name, ("adult.csv.gz",)), "adult.csv.gz")
    assert file is not None
    frame, notes, _ = read_frame(file)
    if "split" not in frame.columns:
        raise UserError(f"{file} is not the table of 16 columns expected, with split as the last; fetch it again.")
    part = frame["split"].to_numpy()
    columns, block, more = encode(frame.drop("split"), types)
    blocks = {which: block.take(np.flatnonzero(part == which)) for which in ("train", "test")}
    return Source(name, "table", blocks, levels=None, dtype="float64", columns=columns, notes=[*notes, *more])


def _fsdd(name: str, sound: SoundOptions | None = None) -> Source:
    """Free Spoken Digit Dataset; the authors' own split: takes 0 to 4 are test."""
    from vaekit.data.sound_labels import label_by_name
    from vaekit.data.sounds import read_zip, source_of

    file = locate(name, ("recordings.zip",)) / "recordings.zip"
    options = dataclasses.replace(sound or SoundOptions(), pattern="{digit}_{speaker}_{take}")
    made = read_zip(file, options)
    takes = np.array([int(Path(n.split("@")[0]).stem.split("_")[2]) for n in made.names])
    whole = {"all": Block(made.raw, names=made.names)}
    label_names, factor_names = label_by_name(whole, "{digit}_{speaker}_{take}", factors=("digit", "speaker"))
    parts = {"train": np.flatnonzero(takes >= 5), "test": np.flatnonzero(takes < 5)}
    source = source_of(name, {part: whole["all"].take(index) for part, index in parts.items()}, made, options)
    source.label_names, source.factor_names = label_names, factor_names
    return source


NAMED: dict[str, Callable[[str], Source]] = {
    "digits": _digits,
    "mnist": _mnist,
    "fashion-mnist": _fashion,
    "binarized-mnist": _binarized_mnist,
    "freyfaces": _freyfaces,
    "shapes": _shapes,
    "adult": _adult,
    "fsdd": _fsdd,
}
