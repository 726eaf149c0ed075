"""What is said of recordings that were brought to one form, in sentences for the user."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from vaekit.data.sound import FULL_SCALE, Recording

if TYPE_CHECKING:
    from vaekit.data.sounds import Clips


def notes_of(
    recordings: Sequence[Recording],
    made: Clips,
    seconds: np.ndarray,
    silent: np.ndarray,
    loudness: float | None,
) -> list[str]:
    """What was done to the recordings, in sentences."""
    rates = sorted({r.rate for r in recordings})
    length = made.raw.shape[-1] / made.rate
    sentences = []
    if rates != [made.rate]:
        came = (
            f"{rates[0]:,} Hz"
            if len(rates) == 1
            else f"{len(rates)} rates, {rates[0]:,} to {rates[-1]:,} Hz,"
        )
        sentences.append(f"Recordings of {came} were resampled to {made.rate:,} Hz.")
    mixed = sum(r.channels > 1 for r in recordings)
    if mixed:
        sentences.append(f"{mixed:,} of {len(recordings):,} recordings have several channels, mixed to mono.")
    if made.clips == "segments":
        sentences.append(
            f"{seconds.sum() / 60:,.1f} minutes were cut into {len(made.raw):,} segments of {length:g} s."
        )
    else:
        longer = int((seconds > length + 0.5 / made.rate).sum())
        cut = f", or cut there ({longer:,} of them)" if longer else ""
        sentences.append(
            f"Recordings of {seconds.min():.2f} to {seconds.max():.2f} s were brought to {length:g} s at "
            f"{made.rate:,} Hz: padded with silence at the end{cut}."
        )
    levels = 20 * np.log10([rms(row / FULL_SCALE) for row in made.raw[~silent]])
    if loudness is None:
        low, middle, high = (f"{v:.0f}" for v in np.quantile(levels, (0, 0.5, 1)))
        sentences.append(f"Loudness is as recorded: {low} to {high} dB of full scale, median {middle}.")
    else:
        sentences.append(f"Loudness was brought to {loudness:g} dB of full scale, peaks kept below it.")
    if silent.any():
        number = int(silent.sum())
        sentences.append(f"{number:,} of {len(made.raw):,} clips {'is' if number == 1 else 'are'} silent.")
    return sentences


def damage_of(recordings: Sequence[Recording], peaks: list[float]) -> list[str]:
    """What is wrong with recordings that are used all the same, in sentences."""
    sentences = []
    if loud := [peak for peak in peaks if peak > 1.001]:
        go = "recording goes" if len(loud) == 1 else "recordings go"
        sentences.append(
            f"{len(loud):,} {go} beyond full scale, up to {max(loud):.3g} times, and lost what is beyond."
        )
    if cut := [recording.name for recording in recordings if recording.is_cut]:
        end = (
            "recording ends before its header says"
            if len(cut) == 1
            else "recordings end before their headers say"
        )
        sentences.append(
            f"{len(cut):,} {end} ({cut[0]}), as files that were cut off do; what is there was used."
        )
    return sentences


def rms(x: np.ndarray) -> float:
    """Root mean square of a clip without the silence that pads it."""
    sounding = np.flatnonzero(x)
    end = sounding[-1] + 1 if len(sounding) else x.shape[-1]
    return float(np.sqrt(np.square(x.reshape(-1)[:end], dtype=np.float64).mean()))
