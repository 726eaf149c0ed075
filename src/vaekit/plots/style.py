"""The look of every picture: colours, type, a page with a title, and how it is saved."""

from __future__ import annotations

import math
import os
import tempfile
import textwrap
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps, font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator

if TYPE_CHECKING:
    from numpy.typing import NDArray

DPI = 150
INK, MUTED, FAINT, GRID, PAPER = "#1f2328", "#68717c", "#c9ced6", "#eceef1", "#ffffff"
ACCENT, SECOND, DEAD = "#2f7fc9", "#f08c00", "#c9ced6"
PALETTE = (
    "#1a80ec", "#f4ac0a", "#b9220b", "#43b48b", "#7033a2", "#895b46", "#c865aa", "#a4d46d", "#4b5563", "#7cd3f6",
)  # fmt: skip
"""Ten colours at least 34 CIELAB units apart, and 23 as protanopia and deuteranopia see them (Machado et al., 2009)."""
SEQUENTIAL = "viridis"
TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 13.0, 9.0, 8.0
MARGIN = 0.38
"""White space around the content, in inches."""

# The first of these that is installed draws what DejaVu Sans, which comes with matplotlib, has no glyphs for.
_EAST_ASIAN = ("Noto Sans CJK KR", "Noto Sans KR", "NanumGothic", "Malgun Gothic", "Apple SD Gothic Neo")


class Page:
    """A figure with a title at the top left, and a place for axes measured in inches from below the title.

    Args:
        width, height: of the content, in inches.
        title: what is seen, in plain words.
        subtitle: how it was made, with units.
        left, right, bottom: room beside the content for labels.
    """

    def __init__(
        self,
        width: float,
        height: float,
        title: str,
        subtitle: str = "",
        *,
        left: float = 0.0,
        right: float = 0.0,
        bottom: float = 0.0,
    ) -> None:
        total = width + left + right + 2 * MARGIN
        titles = _lines(title, (total - 2 * MARGIN) * 72 / (TITLE_SIZE * 0.6))
        subtitles = _lines(subtitle, (total - 2 * MARGIN) * 72 / (TEXT_SIZE * 0.6))
        header = 0.26 * len(titles) + 0.18 * len(subtitles) + 0.16
        # Whole pixels throughout, so that a tile's pixels are the file's.
        total, tall = (math.ceil(v * DPI) / DPI for v in (total, header + height + bottom + 2 * MARGIN))
        self.fig = Figure(figsize=(total + 1e-6, tall + 1e-6), dpi=DPI, facecolor=PAPER)
        FigureCanvasAgg(self.fig)
        self._left, self._top = MARGIN + left, MARGIN + header
        self._width, self._height = total, tall
        at: dict[str, Any] = {"ha": "left", "va": "top"}
        y = MARGIN - 0.06
        self.fig.text(
            MARGIN / total, 1 - y / tall, "\n".join(titles), size=TITLE_SIZE, weight="bold", color=INK, **at
        )
        y += 0.26 * len(titles) + 0.03
        self.fig.text(MARGIN / total, 1 - y / tall, "\n".join(subtitles), size=TEXT_SIZE, color=MUTED, **at)

    def place(self, x: float, y: float, width: float, height: float) -> Axes:
        """Axes whose upper left corner is x inches right and y inches below the content's corner."""
        left, top, width, height = (round(v * DPI) for v in (self._left + x, self._top + y, width, height))
        across, down = round(self._width * DPI), round(self._height * DPI)
        return self.fig.add_axes((left / across, (down - top - height) / down, width / across, height / down))

    def finish(self) -> Figure:
        """The figure, its type set to fonts that are installed."""
        families = font_families()
        for text in self.fig.findobj(Text):
            text.set_fontfamily(families)
        return self.fig


def _lines(text: str, width: float) -> list[str]:
    """Text in as few lines as fit, all about as long; DejaVu Sans is about 0.6 em wide."""
    lines = textwrap.wrap(text, max(int(width), 12))
    for narrower in range(int(width) - 1, 11, -1):
        if len(trial := textwrap.wrap(text, narrower)) > len(lines):
            break
        lines = trial
    return lines


def font_families() -> list[str]:
    """DejaVu Sans, then the first East Asian font of this machine."""
    installed = set(font_manager.get_font_names())
    return ["DejaVu Sans", *[name for name in _EAST_ASIAN if name in installed][:1]]


def tidy(ax: Axes, *, grid: str = "both") -> None:
    """Chart axes: no box, light grid behind, small muted ticks."""
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    for side in ("left", "bottom"):
        ax.spines[side].set_color(FAINT)
    ax.tick_params(colors=MUTED, labelsize=SMALL_SIZE, length=0, pad=4, labelfontfamily=font_families())
    ax.set_axisbelow(True)
    if grid in ("x", "y", "both"):
        ax.grid(axis=grid, color=GRID, linewidth=0.8)  # type: ignore[arg-type]


def bare(ax: Axes) -> None:
    """Axes without any decoration, for pictures."""
    ax.set_xticks([])
    ax.set_yticks([])
    for spine in ax.spines.values():
        spine.set_visible(False)


def whole_ticks(ax: Axes) -> None:
    """Whole numbers on the x axis: epochs."""
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))


def class_colours(num: int) -> list[str]:
    """A colour for each of `num` classes: the palette, and beyond ten an even walk through the hues."""
    if num <= len(PALETTE):
        return list(PALETTE[:num])
    return [to_hex(colormaps["turbo"](v)) for v in np.linspace(0.06, 0.94, num)]


def as_numpy(values: Any) -> NDArray[Any]:
    """A tensor on any device, or anything array-like, as a numpy array; halves become float32."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        values = values.float() if values.is_floating_point() else values
        values = values.numpy()
    return np.asarray(values)


def number(value: float) -> str:
    """A number for reading: three significant digits, thousands separated.

    Example:
        >>> number(12345.6), number(98.765), number(0.01234)
        ('12,346', '98.8', '0.0123')
    """
    if isinstance(value, int) or abs(value) >= 1000:
        text = f"{value:,.0f}"
    else:
        text = f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
    return text.replace("-", "−")


def counted(num: int, noun: str) -> str:
    """A count and its noun.

    Example:
        >>> counted(1, "epoch"), counted(2000, "epoch")
        ('1 epoch', '2,000 epochs')
    """
    return f"{num:,} {noun}" + ("" if num == 1 else "s")


def save(fig: Figure, path: str | Path) -> Path:
    """Write a PNG in one step: a reader sees the old picture or the new one, never half of it."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=".png")
    os.close(handle)
    try:
        with warnings.catch_warnings():
            # A label in a script that no installed font has is drawn as boxes; that must not stop a run.
            warnings.filterwarnings("ignore", message="Glyph .* missing from")
            fig.savefig(name, dpi=DPI, facecolor=PAPER)
        Path(name).chmod(0o644)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)
    return path
