"""A folder of images: PNG, JPEG, WebP and TIFF, brought to one size, one depth and one number of channels."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np

from vaekit.data.folder import files_in, labelled, refuse
from vaekit.data.memory import memory
from vaekit.data.named import IDX_FILES, find, read_idx_folder
from vaekit.data.pixels import Bad, Form, header, in_threads, pixels, strict_pillow
from vaekit.data.source import IMAGE_SUFFIXES, Source
from vaekit.errors import UserError

MIXED_SIZE = (64, 64)  # of a folder whose images differ in size


def read_folder(
    folder: Path, size: int | tuple[int, int] | None = None, skip_bad: bool | None = False
) -> Source:
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
    paths = files_in(folder, IMAGE_SUFFIXES, "image")
    with strict_pillow():
        heads, notes = _header_pass(paths, folder, skip_bad)
        form, note = common_form(list(heads.values()), size)
        _fits(len(heads), form)
        raw, kept = _decode_pass(list(heads), form, folder, skip_bad, notes)
    names = [path.relative_to(folder).as_posix() for path in kept]
    blocks, label_names, more = labelled(raw, names, "image")
    levels, dtype = (256, "uint8") if form.bits == 8 else (65536, "uint16")
    name = folder.resolve().name or "images"
    return Source(
        name, "image", blocks, levels, dtype=dtype, label_names=label_names, notes=[*notes, *note, *more]
    )


def _header_pass(
    paths: list[Path], folder: Path, skip_bad: bool | None
) -> tuple[dict[Path, Form], list[str]]:
    heads: dict[Path, Form] = {}
    bad: dict[Path, str] = {}
    shallow = 0
    for path, head in zip(paths, in_threads(header, paths)):
        if isinstance(head, Bad):
            bad[path] = head.reason
        else:
            heads[path] = head[0]
            shallow += head[1]
    notes = refuse(bad, len(paths), folder, skip_bad, "image")
    if shallow:
        notes.append(shallow_note(shallow))
    return heads, notes


def shallow_note(count: int) -> str:
    """What is said of colour files with 16 bits a channel."""
    have = "colour file has" if count == 1 else "colour files have"
    return f"{count:,} {have} 16 bits a channel, of which Pillow reads 8."


def common_form(forms: list[Form], size: int | tuple[int, int] | None) -> tuple[Form, list[str]]:
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
    have = memory()
    if need > 0.4 * have:
        raise UserError(
            f"{count:,} images of {form.height}x{form.width} need {need / 1e9:.1f} GB of the {have / 1e9:.1f} GB of "
            "memory that there are, twice while they are split; give a smaller size, for example size=64."
        )


def _decode_pass(
    paths: list[Path], form: Form, folder: Path, skip_bad: bool | None, notes: list[str]
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
    notes += refuse(bad, len(paths), folder, skip_bad, "image")
    return raw[: len(kept)], kept
