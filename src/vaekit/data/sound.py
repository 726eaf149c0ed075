"""One recording: what it is without decoding it, and its samples in blocks, mixed to mono, at one rate."""

from __future__ import annotations

import io
import os
import re
import wave
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vaekit.errors import UserError

RATES = (1_000, 384_000)
"""Sample rates that are believed, in Hz."""
BLOCK_SECONDS, MARGIN_SECONDS = 10.0, 0.1
FULL_SCALE = 32768.0
ENDLESS = 2**31 - 2**16
"""Bytes from which on a WAV file's header states no length: who wrote it did not know."""


class UnusableError(Exception):
    """Why a file cannot be used, in a few words."""


class Recording(NamedTuple):
    """A sound that can be read.

    Args:
        name: its file, as the user knows it.
        rate: samples a second, Hz.
        channels: how many.
        frames: samples a channel, as the header states.
        blocks: given a rate in Hz, the samples in order, mono float32 arrays with 1 as full scale; raises
            `UnusableError`.
        is_cut: whether the file ends before its header says.
    """

    name: str
    rate: int
    channels: int
    frames: int
    blocks: Callable[[int], Iterator[np.ndarray]]
    is_cut: bool = False

    @property
    def seconds(self) -> float:
        """Its length as the header states it."""
        return self.frames / self.rate


def libraries() -> tuple[Any, Any]:
    """soundfile and soxr.

    Raises:
        UserError: one is not installed.
    """
    try:
        import soundfile
        import soxr
    except (ImportError, OSError) as error:  # OSError: soundfile without its libsndfile
        missing = getattr(error, "name", None) or "libsndfile"
        raise UserError(
            f"Sound files need {missing}, which is not installed; run: pip install 'vaekit[audio]'."
        ) from None
    return soundfile, soxr


def open_recording(path: Path, name: str) -> Recording:
    """The recording in a sound file.

    Raises:
        UnusableError: it is damaged, empty, or states nonsense.
    """
    soundfile, _ = libraries()
    try:
        with path.open("rb") as file:
            if not file.read(1):
                raise UnusableError("it is empty")
        with _quiet_libraries():
            info = soundfile.info(str(path))
    except (RuntimeError, OSError) as error:  # libsndfile's errors are RuntimeErrors
        raise UnusableError(reason_of(error, path)) from None
    check(info.samplerate, info.frames)
    found = re.search(r"^data : (\d+) \(should be (\d+)\)", info.extra_info, re.MULTILINE)
    is_cut = found is not None and int(found[2]) < int(found[1]) < ENDLESS
    return Recording(
        name, info.samplerate, info.channels, info.frames, lambda rate: decoded(path, rate), is_cut
    )


@contextmanager
def _quiet_libraries() -> Iterator[None]:
    """Hold back what C libraries write to standard error: the MP3 reader remarks on what it then refuses."""
    try:
        saved, null = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    except OSError:  # there is no standard error
        yield
        return
    try:
        os.dup2(null, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(null)


def check(rate: int, frames: int) -> None:
    """Refuse a header that cannot be true.

    Raises:
        UnusableError: a sample rate beyond belief, or no samples.
    """
    if not RATES[0] <= rate <= RATES[1]:
        raise UnusableError(f"it states {rate:,} samples a second; expected {RATES[0]:,} to {RATES[1]:,}")
    if frames <= 0:
        raise UnusableError("it holds no samples")


def decoded(path: Path, rate: int, start: float = 0.0) -> Iterator[np.ndarray]:
    """The samples of a file at `rate`, block by block, so that a file of hours needs no more room than one of seconds.

    Args:
        path: the file.
        rate: Hz.
        start: seconds to leave out at the beginning.

    Raises:
        UnusableError: damaged, or samples that are not finite.
    """
    soundfile, _ = libraries()
    try:
        with soundfile.SoundFile(str(path)) as file:
            # A filter that begins in the middle of a recording needs to hear what came before.
            before = min(start, MARGIN_SECONDS)
            if start:
                file.seek(round((start - before) * file.samplerate))
            skipped = round(before * rate)
            for block in resampled(_mixed(_read_blocks(file)), file.samplerate, rate):
                yield block[skipped:]
                skipped = max(0, skipped - len(block))
    except (RuntimeError, OSError) as error:  # libsndfile's errors are RuntimeErrors
        raise UnusableError(reason_of(error, path)) from None


def _read_blocks(file: Any) -> Iterator[np.ndarray]:
    """Frames (n, channels) of an open file, float32."""
    size = int(BLOCK_SECONDS * file.samplerate)
    while True:
        with _quiet_libraries():
            block = file.read(size, dtype="float32", always_2d=True)
        if not len(block):
            return
        yield block


def _mixed(blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
    """Frames (n, channels) to their mean over the channels."""
    for block in blocks:
        if not np.isfinite(block).all():
            raise UnusableError("it has samples that are NaN or infinite")
        yield block[:, 0] if block.shape[1] == 1 else block.mean(1)


def resampled(blocks: Iterable[np.ndarray], before: int, after: int) -> Iterator[np.ndarray]:
    """Mono blocks at another rate; soxr's high quality, with its state kept from block to block."""
    if before == after:
        yield from blocks
        return
    _, soxr = libraries()
    stream = soxr.ResampleStream(before, after, 1, dtype="float32")
    for block in blocks:
        yield stream.resample_chunk(np.ascontiguousarray(block))
    yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def wave_recording(content: bytes, name: str) -> Recording:
    """The recording in the bytes of a 16-bit WAV file; needs the standard library only.

    Raises:
        UnusableError: it is none.
    """
    try:
        with wave.open(io.BytesIO(content)) as file:
            rate, channels, width = file.getframerate(), file.getnchannels(), file.getsampwidth()
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    except (wave.Error, EOFError, ValueError) as error:
        raise UnusableError(str(error) or "cut off") from None
    if width != 2:
        raise UnusableError(f"it has {8 * width} bits a sample; expected 16")
    frames = samples.reshape(-1, channels)
    check(rate, len(frames))
    values = np.float32(1 / FULL_SCALE) * frames
    return Recording(name, rate, channels, len(frames), lambda to: resampled(_mixed([values]), rate, to))


def to_int16(x: np.ndarray) -> np.ndarray:
    """Samples with 1 as full scale as 16-bit integers; what lies beyond is cut off."""
    return np.minimum(np.rint(np.clip(x, -1, 1) * FULL_SCALE), FULL_SCALE - 1).astype(np.int16)


def reason_of(error: Exception, path: Path) -> str:
    """What libsndfile, or the system, found wrong, without the path."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    text = str(error).split("\n")[0].replace(f"Error opening '{path}': ", "").replace(repr(str(path)), "it")
    text = text.removeprefix("Error : ").strip().rstrip(".")
    return next(
        (plain for theirs, plain in REASONS.items() if text.startswith(theirs)), text or type(error).__name__
    )


REASONS = {
    "Format not recognised": "its content is no sound that can be read",
    "File does not exist or is not a regular file": "its content is no sound that can be read",  # of an MP3
    "Internal error : SF_INFO struct incomplete": "its header states no rate or no samples",
}
"""libsndfile's words, and plainer ones."""
