"""The bound against the number of importance samples: whether a likelihood has settled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from vaekit.plots.style import ACCENT, MUTED, PALETTE, SMALL_SIZE, TEXT_SIZE, Page, as_numpy, number, tidy

WIDTH, HEIGHT = 5.6, 3.2


def bound(curves: Mapping[str, Mapping[str, Sequence[Any]]], *, name: str = "", note: str = "") -> Figure:
    """L_k over k on a logarithmic axis, with 95 % intervals over examples.

    Args:
        curves: a model's name to its `BoundCurve.to_dict()`.
        name: what the data is called.
        note: added to the subtitle, the number of examples for example.
    """
    title = f"{name}: " if name else ""
    title += "the bound on log p(x) against the number of importance samples"
    subtitle = (
        f"log 1/k Σ p(x, z)/q(z|x), nats per example; band: 95 % interval over examples. {note}".strip()
    )
    page = Page(WIDTH, HEIGHT, title, subtitle, left=0.7, right=0.9, bottom=0.35)
    ax = page.place(0, 0, WIDTH, HEIGHT)
    tidy(ax, grid="y")
    ax.set_xscale("log")
    colours = [ACCENT] if len(curves) == 1 else PALETTE
    ticks: set[int] = set()
    for i, (label, curve) in enumerate(curves.items()):
        ks, means, colour = as_numpy(curve["ks"]), as_numpy(curve["bound"]), colours[i % len(colours)]
        intervals = curve.get("bound_interval") or []
        if len(intervals) and all(v is not None for v in intervals):
            low, high = as_numpy(intervals).T
            ax.fill_between(ks, low, high, color=colour, alpha=0.13, linewidth=0)
        ax.plot(ks, means, color=colour, linewidth=1.8, marker="o", markersize=4)
        text = f"{label}\n{number(float(means[-1]))}" if label else number(float(means[-1]))
        ax.annotate(
            text, (ks[-1], means[-1]), xytext=(7, 0), textcoords="offset points", size=SMALL_SIZE,
            color=colour, va="center", annotation_clip=False,
        )  # fmt: skip
        ticks |= {int(k) for k in ks}
    ax.set_xticks(sorted(ticks), [f"{k:,}" for k in sorted(ticks)])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set_xlabel("number of importance samples k", size=TEXT_SIZE, color=MUTED, labelpad=5)
    ax.set_ylabel("nats, higher is tighter", size=TEXT_SIZE, color=MUTED, labelpad=5)
    return page.finish()
