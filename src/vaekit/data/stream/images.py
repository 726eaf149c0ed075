"""Image folders larger than memory: every image is decoded when it is needed, by worker processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vaekit.data.folder import files_in, labelled, refuse
from vaekit.data.images import common_form, shallow_note
from vaekit.data.pixels import Bad, Form, attempt, header, in_threads, pixels, strict_pillow
from vaekit.data.source import IMAGE_SUFFIXES, Source
from vaekit.data.stream.decoder import Decoder, lost
from vaekit.data.stream.readers import Readers
from vaekit.data.stream.rows import Rows
from vaekit.errors import DataLostError

AT_A_TIME = 8192
"""Files that a pass over a folder holds at a time."""
LOOKED_AT = 64


@dataclass(frozen=True)
class ImageDecoder(Decoder):
    """Images of one form.

    Args:
        folder: where they are.
        form: height, width, channels and bits of a channel, as in `pixels.Form`.
    """

    folder: str
    form: Sequence[int]

    def decode(self, task: str) -> np.ndarray:
        """One image, (1, C, H, W); the task is its path in the folder."""
        path, form = Path(self.folder, task), Form(*self.form)
        with strict_pillow():
            found = attempt(lambda each: pixels(each, form), path)
        if isinstance(found, Bad):
            raise lost(path, found.reason)
        return found[None]


def size_estimate(paths: Sequence[Path], size: int | tuple[int, int] | None) -> int:
    """Bytes of all images in memory, by a few of them."""
    some = paths[:: max(1, len(paths) // LOOKED_AT)][:LOOKED_AT]
    with strict_pillow():
        forms = [head[0] for head in in_threads(header, list(some)) if not isinstance(head, Bad)]
    if not forms:
        return 0
    form, _ = common_form(forms, size)
    return len(paths) * form.channels * form.height * form.width * (1 if form.bits == 8 else 4)


def stream_images(
    folder: Path, paths: Sequence[Path], size: int | tuple[int, int] | None, skip_bad: bool | None
) -> Source:
    """The source of an image folder whose images stay on the disk; as `read_folder` otherwise.

    Raises:
        UserError: a file that cannot be read.
    """
    forms: Counter[Form] = Counter()
    bad: dict[Path, str] = {}
    shallow = 0
    with strict_pillow():
        for some in _slices(paths):
            for path, head in zip(some, in_threads(header, some)):
                if isinstance(head, Bad):
                    bad[path] = head.reason
                else:
                    forms[head[0]] += 1
                    shallow += head[1]
    notes = refuse(bad, len(paths), folder, skip_bad, "image")
    notes += [shallow_note(shallow)] if shallow else []
    form, more = common_form(list(forms), size)
    names = [path.relative_to(folder).as_posix() for path in paths if path not in bad]
    rows = _rows(folder, names, form)
    if skip_bad:  # as in memory, where every file is decoded before the first step
        unread = _unread(rows)
        notes += refuse(
            {folder / names[i]: why for i, why in unread.items()}, len(names), folder, skip_bad, "image"
        )
        names = [name for i, name in enumerate(names) if i not in unread]
        rows = _rows(folder, names, form)
    blocks, label_names, about = labelled(rows, names, "image")
    levels, dtype = (256, "uint8") if form.bits == 8 else (65536, "uint16")
    return Source(
        folder.resolve().name or "images", "image", blocks, levels, dtype=dtype, label_names=label_names,
        notes=[*notes, *more, *about],
    )  # fmt: skip


def image_files(folder: Path) -> list[Path]:
    """The images under a folder, in order."""
    return files_in(folder, IMAGE_SUFFIXES, "image")


def _rows(folder: Path, names: list[str], form: Form) -> Rows:
    dtype = np.dtype(np.uint8 if form.bits == 8 else np.int32)
    readers = Readers(ImageDecoder(str(folder), tuple(form)))
    return Rows(readers, names, np.arange(len(names) + 1), (form.channels, form.height, form.width), dtype)


def _slices(paths: Sequence[Path]) -> Iterator[list[Path]]:
    for start in range(0, len(paths), AT_A_TIME):
        yield list(paths[start : start + AT_A_TIME])


def _unread(rows: Rows) -> dict[int, str]:
    """Which images cannot be decoded, and why."""
    found = {}
    for start in range(0, len(rows), AT_A_TIME):
        some = range(start, min(start + AT_A_TIME, len(rows)))
        for i, future in [(i, rows.readers.submit(_reason, rows, i)) for i in some]:
            if (reason := future.result()) is not None:
                found[i] = reason
    return found


def _reason(rows: Rows, chunk: int) -> str | None:
    try:
        rows.load([chunk])
    except DataLostError as error:
        return str(error).partition(" (")[2].partition(");")[0]
    return None
