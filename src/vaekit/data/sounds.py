"""Folders and files of sound: recordings brought to one rate, one channel and one length, labelled by their names."""

from __future__ import annotations

import math
import os
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np

from vaekit.data.folder import files_in, labelled, refuse
from vaekit.data.memory import memory
from vaekit.data.sound import (
    FULL_SCALE,
    Recording,
    UnusableError,
    open_recording,
    to_int16,
    wave_recording,
)
from vaekit.data.sound_labels import group, label_by_name
from vaekit.data.sound_notes import damage_of, notes_of, rms
from vaekit.data.source import IMAGE_SUFFIXES, SOUND_SUFFIXES, Block, Source
from vaekit.errors import UserError

HIGHEST_DEFAULT_RATE = 16_000
GRAIN = 1024
"""Lengths are multiples of so many samples, so that frames and halvings come out even."""
SHORT = 4.0
"""Seconds up to which recordings are taken as clips; longer ones are cut into segments."""
SEGMENT_SECONDS = 2.0
MEMORY_SHARE = 0.4
SILENCE = 1e-4  # peak, of full scale


@dataclass(frozen=True)
class SoundOptions:
    """How recordings become examples.

    Args:
        rate: samples a second, Hz; by default the most common rate of the files, at most 16,000.
        length: of one example in seconds, rounded up to a multiple of 1,024 samples; by default what holds 99 % of
            the recordings, or 2 s of segments.
        clips: "whole" takes the beginning of each recording, padded with silence; "segments" cuts it into
            consecutive pieces. By default recordings of up to 4 s are taken whole.
        loudness: root mean square that every example is brought to, in dB of full scale; by default as recorded.
        pattern: of file names, "{digit}_{speaker}_{take}": the first field is the label, the others are factors.
    """

    rate: int | None = None
    length: float | None = None
    clips: Literal["whole", "segments"] | None = None
    loudness: float | None = None
    pattern: str | None = None

    def __post_init__(self) -> None:
        if self.rate is not None and not 1_000 <= self.rate <= 384_000:
            raise UserError(f"rate is in samples a second, 1,000 to 384,000; {self.rate} came.")
        if self.length is not None and not 0 < self.length < 3600:
            raise UserError(f"length is in seconds, above 0 and below 3,600; {self.length:g} came.")
        if self.loudness is not None and not -100 <= self.loudness <= 0:
            raise UserError(f"loudness is in dB of full scale, -100 to 0; {self.loudness:g} came.")

    def given(self) -> dict[str, Any]:
        """The options that are not left to their defaults."""
        return {k: v for k, v in vars(self).items() if v is not None}


@dataclass
class Clips:
    """Examples made of recordings.

    Args:
        raw: (N, 1, T) int16.
        names: of the recordings, with the start of a segment.
        source: which recording each example is of, (N,).
        rate: Hz.
        clips: "whole" or "segments".
        notes: sentences for the user.
    """

    raw: np.ndarray
    names: list[str]
    source: np.ndarray
    rate: int
    clips: str
    notes: list[str] = field(default_factory=list)


def read_sounds(path: Path, options: SoundOptions, skip_bad: bool | None = False) -> Source:
    """All sound files under a folder, or one file.

    Sub-folders are labels and parts as for images; a pattern finds labels in the files' names.

    Raises:
        UserError: no sounds, a file that cannot be read, or nothing but silence.
    """
    folder = path if path.is_dir() else path.parent
    paths = files_in(path, SOUND_SUFFIXES, "sound file") if path.is_dir() else [path]
    recordings: list[Recording] = []
    bad: dict[Path, str] = {}
    for each in paths:
        try:
            recordings.append(open_recording(each, each.relative_to(folder).as_posix()))
        except UnusableError as error:
            bad[each] = str(error)
    notes = refuse(bad, len(paths), folder, skip_bad, "sound file")
    made, bad_names = assemble(recordings, options, single=not path.is_dir())
    later = {folder / name: reason for name, reason in bad_names.items()}
    notes += refuse(later, len(recordings), folder, skip_bad, "sound file")
    blocks, label_names, more = labelled(made.raw, made.names, "sound file")
    factor_names: tuple[str, ...] = ()
    if options.pattern is not None:
        label_names, factor_names = label_by_name(blocks, options.pattern)
    if made.clips == "segments":
        made.notes += group(blocks, made.source)
    source = source_of(path.resolve().stem or "sounds", blocks, made, options)
    source.label_names, source.factor_names = label_names, factor_names
    source.notes = [*notes, *made.notes, *more]
    return source


def read_zip(path: Path, options: SoundOptions) -> Clips:
    """The 16-bit WAV files in a zip archive, in the order of their names.

    Raises:
        UserError: damaged.
    """
    recordings = []
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(n for n in archive.namelist() if n.lower().endswith(".wav")):
                recordings.append(wave_recording(archive.read(name), Path(name).name))
    except (zipfile.BadZipFile, OSError, UnusableError) as error:
        raise UserError(f"{path} is damaged ({error}); fetch it again.") from None
    if not recordings:
        raise UserError(f"{path} holds no WAV files; fetch it again.")
    made, bad = assemble(recordings, options)
    if bad:
        raise UserError(f"{path} is damaged ({next(iter(bad.items()))}); fetch it again.")
    return made


def source_of(name: str, blocks: dict[str, Block], made: Clips, options: SoundOptions) -> Source:
    """Examples as a Source, still without label names."""
    facts = {"rate": made.rate, "clips": made.clips, "loudness": options.loudness}
    return Source(name, "audio", blocks, None, dtype="int16", notes=made.notes, schema=facts)


def assemble(
    recordings: Sequence[Recording], options: SoundOptions, *, single: bool = False
) -> tuple[Clips, dict[str, str]]:
    """Recordings as examples of one length, and the names of those that turned out unusable, with reasons.

    Raises:
        UserError: they do not fit into memory, or are all silent.
    """
    seconds = np.array([r.seconds for r in recordings])
    rate, clips, length = form_of([r.rate for r in recordings], seconds, options, single=single)
    rows = [rows_of(s * rate, length) if clips == "segments" else 1 for s in seconds.tolist()]
    _fits(sum(rows), length, rate)
    # Zeros take no memory until they are written to, so a row to spare for each recording costs nothing.
    raw = np.zeros((sum(rows) + len(rows), 1, length), np.int16)
    names, source, bad, count, peaks = [], [], {}, 0, []
    for i, recording in enumerate(recordings):
        try:
            space = raw[count : count + rows[i] + (clips == "segments")].reshape(-1)
            samples, peak = fill(space, recording.blocks(rate))
        except UnusableError as error:
            bad[recording.name] = str(error)
            raw[count : count + rows[i] + 1] = 0
            continue
        used = min(rows_of(samples, length), len(space) // length)
        raw[count + used : count + rows[i] + 1] = 0
        starts = [f"@{length * row / rate:.3f}s" for row in range(used)] if clips == "segments" else [""]
        names += [recording.name + start for start in starts]
        source += [i] * used
        count += used
        peaks.append(peak)
    made = Clips(raw[:count], names, np.array(source, np.int64), rate, clips)
    if count:
        quiet = level(made.raw, options.loudness)
        if quiet.all():
            raise UserError(
                f"All {len(quiet):,} clips are silent: there is nothing to learn from. Look at the recordings."
            )
        made.notes += notes_of(recordings, made, seconds, quiet, options.loudness)
        made.notes += damage_of(recordings, peaks)
    return made, bad


def form_of(
    rates: Sequence[int], seconds: np.ndarray, options: SoundOptions, *, single: bool = False
) -> tuple[int, Literal["whole", "segments"], int]:
    """Rate in Hz, "whole" or "segments", and samples of an example, by what the recordings are.

    Args:
        rates, seconds: of the recordings.
        options: where they leave a choice.
        single: whether there is one file in place of a folder.
    """
    rate = options.rate or min(Counter(rates).most_common(1)[0][0], HIGHEST_DEFAULT_RATE)
    usual = float(np.quantile(seconds, 0.99))
    clips = options.clips or ("segments" if single or usual > SHORT else "whole")
    wanted = options.length or (usual if clips == "whole" else SEGMENT_SECONDS)
    return rate, clips, GRAIN * math.ceil(round(wanted * rate) / GRAIN)


def rows_of(samples: float, length: int) -> int:
    """Segments of a recording: the last one counts where at least half of it is there."""
    return max(1, math.floor(samples / length + 0.5))


def _fits(rows: int, length: int, rate: int) -> None:
    """Refuses what would not fit: the samples stay in memory, and the split copies them once."""
    have, need = memory(), 2 * rows * length
    if need > MEMORY_SHARE * have:
        raise UserError(
            f"{rows * length / rate / 3600:,.1f} hours of sound at {rate:,} Hz need {need / 1e9:.1f} GB of the "
            f"{have / 1e9:.1f} GB of memory that there are, twice while they are split; give a lower rate, or "
            "fewer files."
        )


def fill(space: np.ndarray, blocks: Any) -> tuple[int, float]:
    """Write blocks into `space` until it is full; the number of samples written and their peak."""
    at, peak = 0, 0.0
    for block in blocks:
        if len(block):
            peak = max(peak, float(np.abs(block).max()))
        part = to_int16(block[: len(space) - at])
        space[at : at + len(part)] = part
        at += len(part)
        if at == len(space):
            break
    if not at:
        raise UnusableError("it holds no samples")
    return at, peak


def level(raw: np.ndarray, loudness: float | None) -> np.ndarray:
    """Which rows are silent, (N,); brings the others to the loudness asked for, without clipping them."""
    silent = np.zeros(len(raw), bool)
    for i, row in enumerate(raw):
        x = row.astype(np.float32) / FULL_SCALE
        peak = float(np.abs(x).max())
        silent[i] = peak <= SILENCE
        if loudness is not None and not silent[i]:
            gain = 10 ** (loudness / 20) / rms(x)
            row[:] = to_int16(x * min(gain, 0.999 / peak))
    return silent


def holds_sounds(path: Path) -> bool:
    """Whether a file is a sound, or a folder holds sounds and no images."""
    if not path.is_dir():
        return path.suffix.lower() in SOUND_SUFFIXES
    suffixes = {
        Path(name).suffix.lower() for _, _, names in os.walk(path, followlinks=True) for name in names
    }
    return bool(suffixes & set(SOUND_SUFFIXES)) and not suffixes & set(IMAGE_SUFFIXES)
