"""Sound files in and out: clips as one file or a folder of them, and recordings of any length through a model."""

from __future__ import annotations

import io
import os
import tempfile
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit.cli.answer import say
from vaekit.cli.output import ADVICE, Output
from vaekit.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from vaekit.model import Model
    from vaekit.schema import Schema

SUFFIXES = (".wav", ".flac", ".ogg")
FOLDER = "/"
GAP_SECONDS = 0.25
"""Silence between the clips of one file."""
CHUNK_SECONDS, OVERLAP_SECONDS = 16.0, 1.0
"""A long recording goes through the model in chunks that fade into each other."""


def suffixes(usual: Sequence[str], schema: Schema, *, folder: bool = False) -> tuple[str, ...]:
    """The suffixes of a verb's output: sound files too where the run is one of sound."""
    return (*usual, *SUFFIXES, *([FOLDER] if folder else [])) if schema.kind == "audio" else tuple(usual)


def holds_sound(planned: Output) -> bool:
    """Whether what is asked for is to be heard: a sound file, or a folder of them."""
    return planned.suffix in SUFFIXES or planned.suffix == ""


def write_clips(planned: Output, x: Tensor, schema: Schema, names: Sequence[str] | None = None) -> str:
    """Clips (N, 1, T) as one file, one after another with a pause between, or as the files of a folder.

    Args:
        planned: where.
        x: the clips, with 1 as full scale.
        schema: its rate.
        names: of the files in a folder, without suffix; numbers when None.
    """
    import numpy as np

    rate = rate_of(schema)
    clips = [clip[0] for clip in x.clamp(-1, 1).cpu().numpy()]
    if planned.suffix == "":
        width = len(str(len(clips)))
        for i, clip in enumerate(clips):
            name = f"{i:0{width}}" + (f"-{names[i]}" if names else "")
            safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
            Output(planned.path / f"{safe}.wav").write(encoded(clip, rate, ".wav"))
        return str(planned.path)
    pause = np.zeros(round(GAP_SECONDS * rate), np.float32)
    pieces = [piece for clip in clips for piece in (clip, pause)]
    return planned.write(encoded(np.concatenate(pieces[:-1]), rate, planned.suffix))


def rate_of(schema: Schema) -> int:
    """The sample rate of a run's sound, in Hz."""
    assert schema.rate is not None
    return schema.rate


def encoded(x: np.ndarray, rate: int, suffix: str) -> bytes:
    """Samples (T,) as the bytes of a sound file, 16 bits a sample; WAV needs the standard library only."""
    from vaekit.data.sound import libraries, to_int16

    buffer = io.BytesIO()
    if suffix == ".wav":
        with wave.open(buffer, "wb") as file:
            file.setparams((1, 2, rate, 0, "NONE", ""))
            file.writeframes(to_int16(x).astype("<i2").tobytes())
    else:
        soundfile, _ = libraries()
        soundfile.write(buffer, x, rate, format=suffix[1:].upper())
    return buffer.getvalue()


def is_sound_file(given: str | None) -> bool:
    """Whether an input is one sound file by its name."""
    from vaekit.data.source import SOUND_SUFFIXES

    return given is not None and Path(given).suffix.lower() in SOUND_SUFFIXES


def through(model: Model, given: str, schema: Schema, planned: Output) -> tuple[str, float, float]:
    """A recording through a model of sequences and back, whatever its length, in bounded memory.

    Args:
        model: its codes are a sequence.
        given: the recording; resampled to the model's rate, mixed to mono.
        schema: of the model.
        planned: a .wav file.

    Returns:
        The path, the seconds, and the mean log-mel error in dB.

    Raises:
        UserError: the recording cannot be read, or is not to be written as WAV.
    """
    import numpy as np
    import torch

    from vaekit.data.sound import to_int16
    from vaekit.evaluation.log_mel import log_mel_error
    from vaekit.lengths import at_length

    if planned.suffix != ".wav":
        raise UserError(f"A recording of any length is written as .wav; {planned.suffix} came.")
    rate = rate_of(schema)
    stretched = at_length(model, round(CHUNK_SECONDS * rate))
    size, overlap = stretched.likelihood.event_shape[1], round(OVERLAP_SECONDS * rate)
    fade = np.linspace(0, 1, overlap, dtype=np.float32)
    planned.make_folder()
    handle, name = tempfile.mkstemp(dir=planned.path.parent, prefix=f".{planned.path.stem}-", suffix=".wav")
    os.close(handle)
    total, error, tail = 0, 0.0, np.zeros(0, np.float32)
    try:
        with wave.open(name, "wb") as file:
            file.setparams((1, 2, rate, 0, "NONE", ""))
            for chunk, is_last in chunks(samples_of(given, rate), size, overlap):
                x = torch.zeros(1, 1, size)
                x[0, 0, : len(chunk)] = torch.from_numpy(chunk)
                if is_last and total == 0:  # a short recording needs no more room than it has
                    stretched = at_length(model, len(chunk))
                    x = x[..., : stretched.likelihood.event_shape[1]]
                heard = stretched.reconstruct(x.to(stretched.device)).cpu()
                fresh = len(chunk) - len(tail)
                error += fresh * float(log_mel_error(x[..., : len(chunk)], heard[..., : len(chunk)], rate))
                made = heard[0, 0, : len(chunk)].clamp(-1, 1).numpy().copy()
                if len(tail):
                    made[: len(tail)] = tail * (1 - fade[: len(tail)]) + made[: len(tail)] * fade[: len(tail)]
                tail = np.zeros(0, np.float32) if is_last else made[-overlap:].copy()
                kept = made if is_last else made[:-overlap]
                file.writeframes(to_int16(kept).astype("<i2").tobytes())
                total += fresh
        os.replace(name, planned.path)
        planned.path.chmod(0o644)
    except OSError as problem:
        raise UserError(f"{planned.path} could not be written ({problem.strerror}); {ADVICE}.") from None
    finally:
        Path(name).unlink(missing_ok=True)
    return str(planned.path), total / rate, error / max(total, 1)


def samples_of(given: str, rate: int) -> Iterator[Any]:
    """The samples of a recording at `rate`, block by block.

    Raises:
        UserError: it cannot be used.
    """
    from vaekit.data.sound import UnusableError, open_recording

    path = Path(given).expanduser()
    if not path.is_file():
        raise UserError(f"{given} does not exist; give a sound file.")
    try:
        recording = open_recording(path, path.name)
        if recording.is_cut:
            say(f"{given} ends before its header says; what is there is used.")
        yield from recording.blocks(rate)
    except UnusableError as error:
        raise UserError(f"{given} cannot be used ({error}); repair it, or give another.") from None


def chunks(blocks: Iterator[Any], size: int, overlap: int) -> Iterator[tuple[Any, bool]]:
    """Pieces of `size` samples that share `overlap` with the one before, the last shorter; and which is the last."""
    import numpy as np

    held = np.zeros(0, np.float32)
    for block in blocks:
        held = np.concatenate([held, block])
        while len(held) > size:
            yield held[:size], False
            held = held[size - overlap :]
    if len(held):
        yield held, True
