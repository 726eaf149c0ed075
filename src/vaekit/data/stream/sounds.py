"""Sounds larger than memory: recordings are decoded when they are needed, long ones piece by piece."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.folder import files_in, labelled, refuse
from vaekit.data.sound import UnusableError, decoded, open_recording
from vaekit.data.sound_labels import group, label_by_name
from vaekit.data.sounds import SoundOptions, fill, form_of, level, rows_of
from vaekit.data.source import SOUND_SUFFIXES, Source
from vaekit.data.stream.decoder import Decoder, lost
from vaekit.data.stream.readers import Readers
from vaekit.data.stream.rows import Rows

STRETCH_SECONDS = 30.0
"""Of a longer recording so much is decoded at a time."""
MOST_COMPRESSED = 32
"""Bytes of samples that a byte of a sound file stands for, at most as a rule."""


@dataclass(frozen=True)
class SoundDecoder(Decoder):
    """Clips of one form.

    Args:
        folder: where the recordings are.
        rate: samples a second, Hz.
        length: samples of a clip.
        loudness: as in `SoundOptions`.
    """

    folder: str
    rate: int
    length: int
    loudness: float | None = None

    def decode(self, task: Sequence[Any]) -> np.ndarray:
        """Consecutive clips of a recording, (n, 1, length) int16; the task is [name, number of the first, n]."""
        name, first, count = task
        path = Path(self.folder, name)
        made = np.zeros((count, 1, self.length), np.int16)
        try:
            fill(made.reshape(-1), decoded(path, self.rate, first * self.length / self.rate))
        except UnusableError as error:
            raise lost(path, str(error)) from None
        level(made, self.loudness)
        return made


def sound_files(path: Path) -> list[Path]:
    """The recordings at a path: itself, or all in a folder."""
    return files_in(path, SOUND_SUFFIXES, "sound file") if path.is_dir() else [path]


def size_bound(paths: Sequence[Path]) -> int:
    """Bytes that these files hardly exceed in memory."""
    return MOST_COMPRESSED * sum(path.stat().st_size for path in paths)


def stream_sounds(path: Path, paths: Sequence[Path], options: SoundOptions, skip_bad: bool | None) -> Source:
    """The source of recordings that stay on the disk; as `read_sounds` otherwise.

    Silence and loudness are not looked at, which would mean to decode everything; a file that ends before its header
    says is padded.

    Raises:
        UserError: a file that cannot be read.
    """
    folder = path if path.is_dir() else path.parent
    names, rates, seconds = list[str](), list[int](), list[float]()
    bad: dict[Path, str] = {}
    for each in paths:
        try:
            found = open_recording(each, each.relative_to(folder).as_posix())
        except UnusableError as error:
            bad[each] = str(error)
            continue
        names.append(found.name)
        rates.append(found.rate)
        seconds.append(found.seconds)
    notes = refuse(bad, len(paths), folder, skip_bad, "sound file")
    rate, clips, length = form_of(rates, np.array(seconds), options, single=not path.is_dir())
    counts = [rows_of(s * rate, length) if clips == "segments" else 1 for s in seconds]
    rows, row_names = _rows(
        folder, names, counts, SoundDecoder(str(folder), rate, length, options.loudness), clips
    )
    blocks, label_names, more = labelled(rows, row_names, "sound file")
    factor_names: tuple[str, ...] = ()
    if options.pattern is not None:
        label_names, factor_names = label_by_name(blocks, options.pattern)
    if clips == "segments":
        more = [*more, *group(blocks, np.repeat(np.arange(len(names)), counts))]
    took = f"{sum(seconds) / 3600:,.2f} hours of sound: {sum(counts):,} clips of {length / rate:g} s at {rate:,} Hz, "
    took += "cut from it one after another." if clips == "segments" else "the beginning of each recording."
    return Source(
        path.resolve().stem or "sounds", "audio", blocks, None, dtype="int16", label_names=label_names,
        factor_names=factor_names, notes=[*notes, took, *more],
        schema={"rate": rate, "clips": clips, "loudness": options.loudness},
    )  # fmt: skip


def _rows(
    folder: Path, names: Sequence[str], counts: Sequence[int], decoder: SoundDecoder, clips: str
) -> tuple[Rows, list[str]]:
    """All clips, and their names: those of the recordings, with the start of a segment."""
    most = max(1, int(STRETCH_SECONDS * decoder.rate / decoder.length))
    tasks, sizes, row_names = [], [], []
    for name, count in zip(names, counts, strict=True):
        for first in range(0, count, most):
            tasks.append((name, first, min(most, count - first)))
            sizes.append(tasks[-1][2])
        starts = (
            [f"@{decoder.length * i / decoder.rate:.3f}s" for i in range(count)]
            if clips == "segments"
            else [""]
        )
        row_names += [name + start for start in starts]
    starts_of = np.concatenate([[0], np.cumsum(sizes)])
    return Rows(Readers(decoder), tasks, starts_of, (1, decoder.length), np.dtype(np.int16)), row_names
