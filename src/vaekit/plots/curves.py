"""Curves: each term of the objective over the epochs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from vaekit.plots.style import (
    ACCENT,
    INK,
    MUTED,
    SECOND,
    SMALL_SIZE,
    TEXT_SIZE,
    Page,
    counted,
    number,
    tidy,
    whole_ticks,
)

TERMS = {
    "elbo": ("ELBO", "nats, higher is better"),
    "loss": ("Loss", "nats, lower is better"),
    "distortion": ("Distortion −E[log p(x|z)]", "nats, lower is better"),
    "rate": ("Rate KL(q(z|x) ‖ p(z))", "nats"),
    "penalty": ("Penalty", "added to the loss"),
    "nll": ("−log p(x)", "nats, lower is better"),
}
PARTS = {"train": ACCENT, "valid": SECOND, "test": MUTED}
SKIPPED = {
    "learning_rate",
    "epoch",
    "step",
    "steps",
    "seconds",
    "time",
    "examples",
    "lr",
    "n",
    "examples_per_second",
}
WIDTH, HEIGHT, GAP_X, GAP_Y, TOP, INDENT = 3.0, 2.0, 1.15, 1.05, 0.52, 0.35
BOLD: dict[str, Any] = {"size": TEXT_SIZE + 0.5, "weight": "bold", "color": INK}
PLAIN: dict[str, Any] = {"size": SMALL_SIZE, "color": MUTED}

Series = dict[str, dict[str, list[tuple[float, float]]]]


def curves(metrics: Sequence[Mapping[str, Any]], *, name: str = "") -> Figure:
    """A small panel for each term, training and validation over the epochs.

    Args:
        metrics: a row an epoch, `{"epoch": 3, "train": {"elbo": ...}, "valid": {...}}` or with flat names,
            `{"epoch": 3, "train_elbo": ..., "valid_elbo": ...}`.
        name: what the data is called.
    """
    series = series_of(metrics)
    columns = min(3, max(1, len(series)))
    rows = max(1, math.ceil(len(series) / columns))
    title = f"{name}: training" if name else "Training"
    epochs = len({epoch for parts in series.values() for line in parts.values() for epoch, _ in line})
    subtitle = (
        f"Means over the examples of each part after {'each of ' * (epochs > 1)}{counted(epochs, 'epoch')}."
    )
    page = Page(
        columns * (WIDTH + GAP_X) - GAP_X,
        rows * (HEIGHT + GAP_Y) - GAP_Y + TOP,
        title,
        subtitle,
        left=INDENT,
        bottom=0.22,
        right=0.45,
    )
    for i, (term, parts) in enumerate(series.items()):
        row, column = divmod(i, columns)
        ax = page.place(column * (WIDTH + GAP_X), TOP + row * (HEIGHT + GAP_Y), WIDTH, HEIGHT)
        _panel(ax, term, parts)
    return page.finish()


def series_of(metrics: Sequence[Mapping[str, Any]]) -> Series:
    """Rows as {term: {part: [(epoch, value), ...]}}, known terms first; text, NaN and bookkeeping are left out."""
    found: Series = {}
    for i, row in enumerate(metrics):
        epoch = float(row.get("epoch", i + 1))
        for key, value in row.items():
            items = value.items() if isinstance(value, Mapping) else [(None, value)]
            for inner, number_ in items:
                part, term = _split(key, inner)
                is_number = isinstance(number_, int | float) and not isinstance(number_, bool)
                if part and term not in SKIPPED and is_number and math.isfinite(number_):
                    found.setdefault(term, {}).setdefault(part, []).append((epoch, float(number_)))
    for term, sign in (("elbo", -1), ("distortion", 1)):
        # A loss that is nothing but another term needs no panel of its own.
        if term in found and "loss" in found and _same(found["loss"], found[term], sign):
            del found["loss"]
    known = [t for t in TERMS if t in found]
    return {t: found[t] for t in [*known, *(t for t in found if t not in TERMS)]}


def _same(
    a: dict[str, list[tuple[float, float]]], b: dict[str, list[tuple[float, float]]], sign: int
) -> bool:
    return a.keys() == b.keys() and all(
        len(a[k]) == len(b[k]) and np.allclose(np.array(a[k]), np.array(b[k]) * (1, sign), rtol=1e-4)
        for k in a
    )


def _split(key: str, inner: str | None) -> tuple[str | None, str]:
    if inner is not None:
        return (key, inner) if key in PARTS else (None, inner)
    for part in PARTS:
        for mark in ("_", "/", "."):
            if key.startswith(part + mark):
                return part, key[len(part) + 1 :]
    return None, key


def _panel(ax: Axes, term: str, parts: Mapping[str, list[tuple[float, float]]]) -> None:
    tidy(ax, grid="y")
    whole_ticks(ax)
    title, unit = TERMS.get(term, (term.replace("_", " ").capitalize(), ""))
    if term.startswith("rate_"):
        title, unit = f"Rate of layer {term[5:]}", "nats"
    for height, text, look in ((23, title, BOLD), (10, unit, PLAIN)):
        # Begins where the tick labels do, below the page's title.
        place = (-72 * INDENT, height)
        ax.annotate(text, (0, 1), xytext=place, xycoords="axes fraction", textcoords="offset points", **look)
    ends: list[tuple[float, float, str, str]] = []
    for part, line in parts.items():
        x, y = np.array(line).T
        ax.plot(
            x,
            y,
            color=PARTS[part],
            linewidth=1.8,
            marker="o" if len(x) == 1 else None,
            markersize=4,
            solid_capstyle="round",
            label=part,
        )
        ends.append((float(x[-1]), float(y[-1]), part, PARTS[part]))
    ax.set_xlabel("epoch", size=SMALL_SIZE, color=MUTED, labelpad=3)
    ax.margins(x=0.02, y=0.08)
    if max(len(line) for line in parts.values()) == 1:
        ax.set_xlim(ends[0][0] - 1, ends[0][0] + 1)
    _end_labels(ax, ends)


def _end_labels(ax: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    """The last value of each line beside its end, moved apart where they would overlap."""
    low, high = ax.get_ylim()
    step = (high - low) * 0.17
    ends = sorted(ends, key=lambda e: e[1])
    heights = [e[1] for e in ends]
    for i in range(1, len(heights)):
        heights[i] = max(heights[i], heights[i - 1] + step)
    shift = (sum(heights) - sum(e[1] for e in ends)) / max(len(ends), 1)
    for (x, y, part, colour), height in zip(ends, heights):
        ax.annotate(
            f"{part}\n{number(y)}",
            (x, height - shift),
            xytext=(5, 0),
            textcoords="offset points",
            size=SMALL_SIZE - 0.5,
            color=colour,
            va="center",
            ha="left",
            annotation_clip=False,
            linespacing=1.0,
        )
