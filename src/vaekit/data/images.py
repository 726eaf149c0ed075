"""A folder of images: PNG, JPEG, WebP and TIFF, brought to one size, one depth and one number of channels."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np

from vaekit.data.arrays import read_labels
from vaekit.data.named import IDX_FILES, find, read_idx_folder
from vaekit.data.pixels import Bad, Form, header, in_threads, pixels, strict_pillow
from vaekit.data.source import IMAGE_SUFFIXES, Block, Source
from vaekit.errors import UserError

MIXED_SIZE = (64, 64)  # of a folder whose images differ in size
_PARTS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
}


def read_folder(folder: Path, size: int | tuple[int, int] | None = None, skip_bad: bool = False) -> Source:
    """All images under a folder.

    Sub-folders are labels, unless there is only one; sub-folders called train and test (and valid) are the parts, and
    labels are their sub-folders. Channels and bits are the most that any file needs.

    Args:
        folder: the folder.
        size: (H, W) in pixels or one number for both; by default the size of the files, or 64x64 if they differ.
        skip_bad: leave out files that cannot be read, and count them in the notes.

    Raises:
        UserError: no images, or a file that cannot be read.
    """
    if all(find(folder, file) for pair in IDX_FILES.values() for file in pair):
        return read_idx_folder(folder, folder.resolve().name)
    paths = _list(folder)
    with strict_pillow():
        heads, notes = _header_pass(paths, folder, skip_bad)
        form, note = _common(list(heads.values()), size)
        _fits(len(heads), form)
        raw, kept = _decode_pass(list(heads), form, folder, skip_bad, notes)
    names = [path.relative_to(folder).as_posix() for path in kept]
    blocks, label_names, more = _blocks(raw, names)
    levels, dtype = (256, "uint8") if form.bits == 8 else (65536, "uint16")
    name = folder.resolve().name or "images"
    return Source(
        name, "image", blocks, levels, dtype=dtype, label_names=label_names, notes=[*notes, *note, *more]
    )


def _list(folder: Path) -> list[Path]:
    found = [Path(base) / name for base, _, names in os.walk(folder, followlinks=True) for name in names]
    found = [path for path in found if not any(p.startswith(".") for p in path.relative_to(folder).parts)]
    images = sorted((p for p in found if p.suffix.lower() in IMAGE_SUFFIXES), key=lambda p: p.as_posix())
    if not images:
        others = f"{len(found):,} other {'file' if len(found) == 1 else 'files'}" if found else "nothing"
        raise UserError(
            f"{folder} holds no images, but {others}; expected {', '.join(IMAGE_SUFFIXES)} files."
        )
    return images


def _refuse(bad: dict[Path, str], total: int, folder: Path, skip_bad: bool) -> list[str]:
    """Notes about the bad files, or the error."""
    if not bad:
        return []
    first, reason = next(iter(bad.items()))
    if not skip_bad:
        count = f"{len(bad):,} of {total:,} images cannot be used, the first " if len(bad) > 1 else ""
        raise UserError(
            f"{count}{first} cannot be used ({reason}); repair or remove {'them' if count else 'it'}, "
            "or set skip_bad to leave such files out."
        )
    if len(bad) == total:
        raise UserError(
            f"None of the {total:,} images in {folder} can be used; the first is {first} ({reason})."
        )
    named = ", ".join(path.relative_to(folder).as_posix() for path in list(bad)[:5])
    more = f" and {len(bad) - 5:,} more" if len(bad) > 5 else ""
    return [f"{len(bad):,} {'file' if len(bad) == 1 else 'files'} skipped as unreadable: {named}{more}."]


def _header_pass(paths: list[Path], folder: Path, skip_bad: bool) -> tuple[dict[Path, Form], list[str]]:
    heads: dict[Path, Form] = {}
    bad: dict[Path, str] = {}
    shallow = 0
    for path, head in zip(paths, in_threads(header, paths)):
        if isinstance(head, Bad):
            bad[path] = head.reason
        else:
            heads[path] = head[0]
            shallow += head[1]
    notes = _refuse(bad, len(paths), folder, skip_bad)
    if shallow:
        notes.append(f"{shallow:,} colour files have 16 bits a channel, of which Pillow reads 8.")
    return heads, notes


def _common(forms: list[Form], size: int | tuple[int, int] | None) -> tuple[Form, list[str]]:
    """The form that all images are brought to, and notes."""
    channels, bits = max(f.channels for f in forms), max(f.bits for f in forms)
    sizes = Counter((f.height, f.width) for f in forms)
    if size is None:
        target = next(iter(sizes)) if len(sizes) == 1 else MIXED_SIZE
    else:
        target = (size, size) if isinstance(size, int) else tuple(size)  # type: ignore[assignment]
    if len(target) != 2 or not all(isinstance(n, int) and 1 <= n <= 16384 for n in target):
        raise UserError(f"size is a height and a width in pixels, or one number for both; {size!r} came.")
    notes = []
    if set(sizes) != {target}:
        smallest, largest = min(sizes, key=np.prod), max(sizes, key=np.prod)
        came = f"{len(sizes):,} sizes, {_x(smallest)} to {_x(largest)}," if len(sizes) > 1 else _x(smallest)
        notes.append(
            f"Images of {came} were resized to {_x(target)} (height x width), sides not kept in proportion."
        )
    if len({(f.channels, f.bits) for f in forms}) > 1:
        notes.append(f"Images of several kinds were brought to {channels} channels of {bits} bits.")
    return Form(*target, channels, bits), notes


def _x(size: tuple[int, int]) -> str:
    return f"{size[0]}x{size[1]}"


def _fits(count: int, form: Form) -> None:
    """Refuses what would not fit: the set stays in memory, and the split copies it once."""
    need = count * form.channels * form.height * form.width * (1 if form.bits == 8 else 4)
    have = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") if hasattr(os, "sysconf") else 16 << 30
    if need > 0.4 * have:
        raise UserError(
            f"{count:,} images of {form.height}x{form.width} need {need / 1e9:.1f} GB of this computer's "
            f"{have / 1e9:.1f} GB memory, twice while they are split; give a smaller size, for example size=64."
        )


def _decode_pass(
    paths: list[Path], form: Form, folder: Path, skip_bad: bool, notes: list[str]
) -> tuple[np.ndarray, list[Path]]:
    """Pixels (N, C, H, W), and the files they came from; adds to `notes`."""
    dtype = np.uint8 if form.bits == 8 else np.int32
    raw = np.empty((len(paths), form.channels, form.height, form.width), dtype)
    kept: list[Path] = []
    bad: dict[Path, str] = {}
    for path, values in zip(paths, in_threads(lambda path: pixels(path, form), paths)):
        if isinstance(values, Bad):
            bad[path] = values.reason
        else:
            raw[len(kept)] = values
            kept.append(path)
    notes += _refuse(bad, len(paths), folder, skip_bad)
    return raw[: len(kept)], kept


def _blocks(raw: np.ndarray, names: list[str]) -> tuple[dict[str, Block], tuple[str, ...], list[str]]:
    """Parts and labels from the sub-folders."""
    tops = {name.split("/")[0].lower() for name in names if "/" in name}
    nested = all("/" in name for name in names)
    if not (nested and tops <= set(_PARTS) and {"train"} < {_PARTS[top] for top in tops}):
        y, label_names, notes = _labels(names)
        return {"all": Block(raw, y, names)}, label_names, notes
    y, label_names, notes = _labels([name.split("/", 1)[1] for name in names])
    part_of = np.array([_PARTS[name.split("/")[0].lower()] for name in names])
    whole = Block(raw, y, names)
    return (
        {part: whole.take(np.flatnonzero(part_of == part)) for part in np.unique(part_of).tolist()},
        label_names,
        notes,
    )


def _labels(names: list[str]) -> tuple[np.ndarray | None, tuple[str, ...], list[str]]:
    """Labels from the first sub-folder of each name."""
    loose = sum("/" not in name for name in names)
    if loose == len(names):
        return None, (), []
    if loose:
        return (
            None,
            (),
            [
                f"{loose:,} {'image' if loose == 1 else 'images'} outside the sub-folders, which are no labels then."
            ],
        )
    folders = [name.split("/")[0] for name in names]
    if len(set(folders)) == 1:
        return None, (), []
    return *read_labels(folders, len(names), "The folder"), []
