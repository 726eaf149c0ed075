"""Sounds in a grid: each as its waveform over its spectrogram, with axes in seconds and hertz."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.nn.functional as F
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaekit.nets import LogMel
from vaekit.plots.style import ACCENT, FAINT, INK, MUTED, SEQUENTIAL, SMALL_SIZE, Page, as_numpy, tidy
from vaekit.schema import Schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

WIDTH, WAVE, SPECTRUM, GAP, NAME = 1.45, 0.32, 0.8, 0.12, 0.2
"""In inches: width of a sound, heights of its two pictures, room between sounds, height of a name."""
RANGE_DB = 60.0
"""What is shown lies within so many decibels of the loudest."""


def is_sound(schema: Schema) -> bool:
    """Whether examples can be drawn against seconds and hertz."""
    return schema.kind == "audio" and schema.rate is not None


def sounds(
    x: Any,
    schema: Schema,
    title: str,
    subtitle: str = "",
    *,
    names: Sequence[str] | None = None,
    row_names: Sequence[str] | None = None,
) -> Figure:
    """Waveform and spectrogram of every sound of a grid.

    Args:
        x: (rows, columns, 1, T); places of NaN stay empty.
        schema: what one example is; its rate gives the axes.
        title, subtitle: of the page.
        names: one above each sound, row by row.
        row_names: one left of each row.
    """
    x = as_numpy(x).astype(np.float32)
    rows, columns = x.shape[:2]
    assert schema.rate is not None
    seconds = x.shape[-1] / schema.rate
    above = NAME if names is not None else 0.0
    step_down, step_right = above + WAVE + SPECTRUM + GAP, WIDTH + GAP
    left = 0.62 + (0.75 if row_names is not None else 0.0)
    scale = "Colour: magnitude, the loudest 60 dB of each sound."
    page = Page(
        columns * step_right - GAP, rows * step_down - GAP, title, f"{subtitle} {scale}".strip(), left=left, bottom=0.42
    )  # fmt: skip
    peak = max(1e-6, float(np.nanmax(np.abs(x))))
    pictures = spectrograms(x.reshape(-1, *x.shape[2:]), schema.rate)
    for i, decibels in enumerate(pictures):
        row, column = divmod(i, columns)
        wave = x[row, column, 0]
        if not np.isfinite(wave).all():
            continue
        at = column * step_right, row * step_down + above
        upper = page.place(*at, WIDTH, WAVE)
        _draw_wave(upper, wave, seconds, peak)
        lower = page.place(at[0], at[1] + WAVE, WIDTH, SPECTRUM)
        _draw_spectrogram(lower, decibels, seconds, schema.rate)
        if names is not None:
            upper.set_title(names[i], size=SMALL_SIZE, color=INK, loc="left", pad=3)
        below_is_empty = row + 1 == rows or not np.isfinite(x[row + 1, column]).all()
        _label(lower, seconds, schema.rate, first=column == 0, last=below_is_empty)
        if row_names is not None and column == 0:
            upper.annotate(
                row_names[row], (0, 1), (-left * 72 + 2, -4), "axes fraction", "offset points",
                size=SMALL_SIZE, color=INK, va="top",
            )  # fmt: skip
    return page.finish()


def spectrograms(x: NDArray[Any], rate: int) -> NDArray[Any]:
    """Magnitudes in dB of full scale, (N, frequencies, frames), of waveforms (N, 1, T); NaN stays NaN."""
    hop = LogMel.hop_of(rate)
    sound = F.pad(torch.from_numpy(x), (0, -x.shape[-1] % hop))
    net = LogMel((1, sound.shape[-1]), rate, num_bands=0, hop=hop)
    return ((net(sound)[:, 0] - 1) * 40).numpy()


def _draw_wave(ax: Axes, wave: NDArray[Any], seconds: float, peak: float) -> None:
    """The envelope: lowest and highest sample of each of a few hundred stretches."""
    stretches = np.array_split(wave, min(300, len(wave)))
    middle = np.linspace(0, seconds, len(stretches))
    low, high = (np.array([f(s) for s in stretches]) for f in (np.min, np.max))
    ax.fill_between(middle, low, high, color=ACCENT, linewidth=0.3)
    ax.set_xlim(0, seconds)
    ax.set_ylim(-peak, peak)
    ax.set_axis_off()


def _draw_spectrogram(ax: Axes, decibels: NDArray[Any], seconds: float, rate: int) -> None:
    top = float(decibels.max())
    ax.imshow(
        decibels, origin="lower", aspect="auto", extent=(0, seconds, 0, rate / 2), cmap=SEQUENTIAL,
        vmin=top - RANGE_DB, vmax=top, interpolation="nearest",
    )  # fmt: skip


def _label(ax: Axes, seconds: float, rate: int, *, first: bool, last: bool) -> None:
    """Ticks on the outer sides only, in seconds and hertz."""
    tidy(ax, grid="none")
    for side in ("left", "bottom"):
        ax.spines[side].set_color(FAINT)
    nice = 10 ** math.floor(math.log10(seconds / 2))
    step = next(nice * k for k in (1, 2, 5, 10) if seconds / (nice * k) <= 3)
    ax.set_xticks(np.arange(0, 0.95 * seconds, step) if last else [])
    ax.set_yticks([0, rate / 4, rate / 2] if first else [])
    if first:
        ax.set_yticklabels(["0", f"{rate / 4:,.0f}", f"{rate / 2:,.0f}"])
        ax.set_ylabel("frequency, Hz", size=SMALL_SIZE - 1, color=MUTED, labelpad=2)
    if last:
        ax.set_xlabel("time, s", size=SMALL_SIZE - 1, color=MUTED, labelpad=1)
    ax.set_xlim(0, seconds)
    ax.set_ylim(0, rate / 2)


def grid_of_sounds(num: int, *, columns: int = 8, most: int = 24) -> tuple[int, int]:
    """Rows and columns that show up to `most` of `num` sounds; 10 columns where each is a class."""
    columns = max(1, min(num, columns if columns <= 10 else 8))
    return max(1, min(math.ceil(num / columns), math.ceil(most / columns))), columns
