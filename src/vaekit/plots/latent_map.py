"""The latent map: where the encoder puts the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Circle
from matplotlib.patheffects import withStroke

from vaekit.plots.style import (
    ACCENT,
    INK,
    MUTED,
    PAPER,
    SMALL_SIZE,
    TEXT_SIZE,
    Page,
    as_numpy,
    class_colours,
    counted,
    tidy,
)
from vaekit.schema import Schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE = 6.0
MAX_NAMED = 30
"""Beyond this many classes neither labels nor a legend can be read."""


def latent_map(
    z: Any,
    labels: Any,
    schema: Schema,
    *,
    explained: Sequence[float] | None = None,
    circles: bool = True,
    note: str = "",
) -> Figure:
    """Codes in the plane, coloured by class: two dimensions as they are, more through their principal components.

    Args:
        z: (N, *latent), means of q(z|x).
        labels: (N,) class of each example, or None.
        schema: names the classes.
        explained: shares of variance on the two axes, when z is already a projection.
        circles: draw 1, 2 and 3 standard deviations of a standard normal prior.
        note: added to the subtitle.
    """
    codes = as_numpy(z).reshape(len(z), -1).astype(np.float64)
    num_dims = codes.shape[1]
    if num_dims > 2:
        directions, explained = principal_plane(codes)
        codes = codes @ directions
    named = labels is not None and num_dims > 1 and len(np.unique(as_numpy(labels))) > 1
    how = f"{counted(len(codes), 'example')} at the mean of q(z|x)"
    how += (
        f"; the {num_dims} latent dimensions seen along their two widest directions." if num_dims > 2 else "."
    )
    how += " Circles: 1, 2 and 3 standard deviations of the prior." if circles and num_dims > 1 else ""
    page = Page(
        SIDE,
        SIDE if num_dims > 1 else SIDE / 2,
        f"{schema.name}: the latent space",
        f"{how} {note}".strip(),
        left=0.42,
        bottom=0.34,
        right=0.3 + 0.075 * _longest(labels, schema) + 0.12 if named else 0,
    )
    ax = page.place(0, 0, SIDE, SIDE if num_dims > 1 else SIDE / 2)
    draw_latent_map(ax, codes, labels, schema, circles=circles)
    axis = "latent dimension {}" if explained is None else "principal component {} ({:.0%} of the variance)"
    shares = explained if explained is not None else (0, 0)
    ax.set_xlabel(axis.format(1, shares[0]), size=TEXT_SIZE, color=MUTED, labelpad=6)
    if num_dims > 1:
        ax.set_ylabel(axis.format(2, shares[1]), size=TEXT_SIZE, color=MUTED, labelpad=6)
    if named:
        _legend(ax, labels, schema)
    return page.finish()


def principal_plane(z: NDArray[Any]) -> tuple[NDArray[Any], tuple[float, float]]:
    """The two principal directions of codes (N, D), (D, 2), and their shares of the variance.

    Codes are to be multiplied by them without subtracting a mean: the origin then stays the prior's mean, and
    since the directions are orthonormal a standard normal prior stays standard normal.
    """
    centred = z - z.mean(0)
    variances, directions = np.linalg.eigh(centred.T @ centred)
    shares = variances[::-1] / max(float(variances.sum()), 1e-30)
    plane = directions[:, :-3:-1]
    # An eigenvector has no sign of its own; this one makes two pictures of the same codes the same.
    plane = plane * np.sign(plane[np.abs(plane).argmax(0), [0, 1]])
    return plane, (float(shares[0]), float(shares[1]))


def draw_latent_map(
    ax: Axes,
    z: NDArray[Any],
    labels: Any,
    schema: Schema,
    *,
    circles: bool = True,
    draws: NDArray[Any] | None = None,
) -> None:
    """Points, class names at the class medians and the prior's circles, into square axes.

    Args:
        ax: square axes; two to one for one dimension.
        z: (N, 2) or (N, 1), with `labels` (N,) or None.
        labels, schema: as in `latent_map`.
        circles: draw standard deviations of a standard normal prior.
        draws: (M, 2) draws from the prior, marked with crosses.
    """
    tidy(ax)
    if z.shape[1] == 1:
        _draw_lanes(ax, z[:, 0], labels, schema)
        return
    ids = np.zeros(len(z), int) if labels is None else as_numpy(labels).astype(int)
    classes = np.unique(ids)
    colour = dict(zip(classes, class_colours(len(classes)) if len(classes) > 1 else [ACCENT]))
    if circles:
        _draw_circles(ax)
    # In random order, so that no class hides the others.
    order = np.random.default_rng(0).permutation(len(z))
    rgb = np.array([to_rgb(colour[c]) for c in classes])[np.searchsorted(classes, ids)]
    ax.scatter(
        z[order, 0],
        z[order, 1],
        s=float(np.clip(26_000 / max(len(z), 1), 1.2, 16)),
        c=rgb[order],
        alpha=0.65,
        linewidths=0,
        zorder=2,
    )
    if draws is not None:
        ax.scatter(draws[:, 0], draws[:, 1], marker="x", s=16, linewidths=1.1, color=INK, zorder=5)
    _square_limits(ax, z, circles, draws)
    if 1 < len(classes) <= MAX_NAMED:
        _name_classes(ax, {c: np.median(z[ids == c], 0) for c in classes}, colour, schema)


def _name_classes(ax: Axes, places: Mapping[int, Any], colour: Mapping[int, str], schema: Schema) -> None:
    """Class names at their places; one that would cover another is left to the legend."""
    inches = ax.get_position().width * ax.figure.get_size_inches()[0]  # type: ignore[union-attr]
    unit = (ax.get_xlim()[1] - ax.get_xlim()[0]) / inches  # data units of an inch, the same on both axes
    taken: list[tuple[float, float, float]] = []
    for c, (x, y) in places.items():
        half = (0.1 * len(_name(c, schema)) + 0.08) * unit / 2
        if any(abs(x - a) < half + b and abs(y - d) < 0.16 * unit for a, d, b in taken):
            continue
        taken.append((x, y, half))
        label = ax.text(x, y, _name(c, schema), size=TEXT_SIZE + 1, weight="bold", color=_darker(colour[c]))
        label.set(horizontalalignment="center", verticalalignment="center", zorder=6, clip_on=True)
        label.set_bbox({"boxstyle": "round,pad=0.22", "facecolor": PAPER, "alpha": 0.82, "linewidth": 0})


def _draw_circles(ax: Axes) -> None:
    for radius in (1, 2, 3):
        ax.add_patch(Circle((0, 0), radius, fill=False, edgecolor=MUTED, linewidth=0.8, zorder=3, alpha=0.8))
        ax.text(
            0,
            radius,
            f"{radius}σ",
            size=SMALL_SIZE - 1,
            color=MUTED,
            ha="center",
            va="center",
            zorder=4,
            path_effects=[withStroke(linewidth=3, foreground=PAPER)],
            clip_on=True,
        )


def _draw_lanes(ax: Axes, z: NDArray[Any], labels: Any, schema: Schema) -> None:
    """One dimension: a lane for each class, points spread inside it."""
    ids = np.zeros(len(z), int) if labels is None else as_numpy(labels).astype(int)
    classes = np.unique(ids)
    lane = np.searchsorted(classes, ids)
    height = lane + np.random.default_rng(0).uniform(-0.35, 0.35, len(z))
    colours = np.array([to_rgb(c) for c in (class_colours(len(classes)) if len(classes) > 1 else [ACCENT])])
    ax.scatter(z, height, s=4, c=colours[lane], alpha=0.6, linewidths=0)
    ax.set_yticks(range(len(classes)), [_name(c, schema) if len(classes) > 1 else "" for c in classes])
    ax.set_ylim(len(classes) - 0.5, -0.5)


def _square_limits(ax: Axes, z: NDArray[Any], circles: bool, draws: NDArray[Any] | None) -> None:
    """Equal axes around nearly all points, the circles and the draws; single outliers do not shrink the map."""
    low, high = np.quantile(z, 0.0005, 0), np.quantile(z, 0.9995, 0)
    if draws is not None:
        low, high = np.minimum(low, draws.min(0)), np.maximum(high, draws.max(0))
    if circles:
        low, high = np.minimum(low, -3.1), np.maximum(high, 3.1)
    centre, half = (low + high) / 2, max(float((high - low).max()) / 2 * 1.05, 1e-6)
    ax.set_xlim(centre[0] - half, centre[0] + half)
    ax.set_ylim(centre[1] - half, centre[1] + half)
    ax.set_aspect("equal")


def _legend(ax: Axes, labels: Any, schema: Schema) -> None:
    classes = np.unique(as_numpy(labels).astype(int))
    if len(classes) > MAX_NAMED:
        return
    handles = [
        Line2D([], [], linestyle="", marker="o", markersize=6, color=colour, label=_name(c, schema))
        for c, colour in zip(classes, class_colours(len(classes)))
    ]
    ax.legend(
        handles=handles,
        loc="upper left",
        bbox_to_anchor=(1.01, 1.0),
        frameon=False,
        fontsize=SMALL_SIZE + 0.5,
        labelcolor=INK,
        handletextpad=0.3,
        borderaxespad=0,
        labelspacing=0.55,
    )


def _name(c: int, schema: Schema) -> str:
    text = schema.label_names[c] if 0 <= c < len(schema.label_names) else str(c)
    return text if len(text) <= 16 else text[:15] + "…"


def _longest(labels: Any, schema: Schema) -> int:
    return max(len(_name(int(c), schema)) for c in np.unique(as_numpy(labels)))


def _darker(colour: str) -> tuple[float, ...]:
    return tuple(0.62 * v for v in to_rgb(colour))
