"""Comparison: two or more runs side by side, to see what one has and another lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from matplotlib.figure import Figure

from vaekit.evaluation.chunks import evaluating, subset
from vaekit.plots.latent_map import draw_latent_map, principal_plane
from vaekit.plots.style import DPI, FAINT, INK, MUTED, SMALL_SIZE, TEXT_SIZE, Page, as_numpy, number
from vaekit.plots.tiles import Tiles, has_dark_ink, to_grid, value_limits
from vaekit.priors import StandardNormal
from vaekit.schema import Schema

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model

SIDE, GAP, HEADING, LINE, INDENT = 4.3, 0.6, 0.3, 0.19, 0.32
FACTS = (
    ("mse", "reconstruction: mean squared error per value"),
    ("frechet_pca64", "new samples: Fréchet distance to data (PCA)"),
    ("elbo", "ELBO, nats per example"),
    ("nll", "−log p(x), nats per example"),
    ("active_units", "active latent dimensions"),
    ("mutual_information", "information of codes, nats"),
    ("linear_probe", "linear probe, accuracy"),
    ("knn", "5 nearest neighbours, accuracy"),
    ("fid", "FID, own features"),
    ("precision", "precision of samples"),
    ("recall", "recall of samples"),
    ("mig", "MIG"),
    ("factor_vae_score", "FactorVAE score"),
)


@dataclass(frozen=True)
class Panel:
    """What `comparison` shows of one run.

    Args:
        name: of the run, its heading.
        x, x_hat: (N, *event), originals and reconstructions.
        samples: (M, *event), decoded from `draws`.
        z: (P, *latent), codes of data, with `labels` (P,) or None.
        draws: (M, *latent), draws from the prior; marked on the map.
        circles: whether the prior is the standard normal.
        facts: what is measured, to its value, in the order to show.
    """

    name: str
    x: Any
    x_hat: Any
    samples: Any
    z: Any
    labels: Any = None
    draws: Any = None
    circles: bool = True
    facts: Mapping[str, str] = field(default_factory=dict)


def panel_of(
    name: str,
    model: Model,
    part: Part,
    *,
    results: Mapping[str, Any] | None = None,
    seed: int = 0,
    num_points: int = 5000,
) -> Panel:
    """Gather what `comparison` shows of a model; the same seed shows the same examples for every model.

    Args:
        name: the run's heading.
        model: any model.
        part: held-out data.
        results: what `evaluate` returned; its figures go under the heading.
        seed: of the examples and the draws.
        num_points: codes on the latent map.
    """
    with evaluating(model, seed):
        few = subset(part, 96, seed)
        order = torch.randperm(len(few), generator=torch.Generator().manual_seed(seed))
        x, y = few.batch(order[:8], torch.Generator().manual_seed(seed))
        x, y = x.to(model.device), None if y is None else y.to(model.device)
        given = y if model.condition else None
        codes, labels = embed_all(model, subset(part, num_points, seed))
        classes = torch.arange(32, device=model.device) % model.condition if model.condition else None
        draws = model.draw_prior(32, classes)
        new = model.decode(draws, classes).mean
        facts = {
            text: _with_interval(results, key)
            for key, text in FACTS
            if results and results.get(key) is not None
        }
        standard = isinstance(getattr(model, "prior", None), StandardNormal)
        return Panel(name, x, model.reconstruct(x, given), new, codes, labels, draws, standard, facts)


def _with_interval(results: Mapping[str, Any], key: str) -> str:
    """A figure, and its 95 % interval where there is one."""
    value, interval = number(results[key]), results.get(f"{key}_interval")
    return f"{value} ({number(interval[0])} to {number(interval[1])})" if interval else value


def embed_all(model: Model, part: Part, batch_size: int = 256) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Codes (N, *latent) and labels (N,) of a whole part, on the CPU."""
    codes, labels = [], []
    for x, y in part.batches(batch_size):
        given = y.to(model.device) if model.condition and y is not None else None
        codes.append(model.embed(x.to(model.device), given).cpu())
        labels += [y.cpu()] if y is not None else []
    return torch.cat(codes), torch.cat(labels) if labels else None


def comparison(panels: Sequence[Panel], schema: Schema, *, title: str = "") -> Figure:
    """A column for each run: its figures, originals and reconstructions, new samples, and its latent space.

    Args:
        panels: two or more runs on the same data.
        schema: what one example is.
        title: of the picture; made from the names when empty.
    """
    dark = has_dark_ink(panels[0].x, schema)
    limits = value_limits(*(p.x for p in panels))
    pairs = [Tiles(_grid([p.x, p.x_hat], 2), schema, dark, _target(schema), 6, 4, limits) for p in panels]
    news = [Tiles(_grid([p.samples], 4), schema, dark, _target(schema), 6, limits=limits) for p in panels]
    width = max(pairs[0].width, 3.2)
    facts = list(dict.fromkeys(key for panel in panels for key in panel.facts))
    top = 0.42 + LINE * len(facts)
    starts = [top + HEADING, top + 2 * HEADING + 0.14 + pairs[0].height]
    starts.append(starts[1] + news[0].height + HEADING + 0.14)
    names = " and ".join(p.name for p in panels) if len(panels) < 3 else f"{len(panels)} models"
    page = Page(
        len(panels) * (width + GAP) - GAP,
        starts[2] + width - INDENT,
        title or f"{schema.name}: {names} side by side",
        "The same held-out examples for every model. New samples are decoded from draws of the prior: the "
        "crosses on the map below them."
        + " Circles: 1, 2 and 3 standard deviations of the prior."
        * any(panel.circles for panel in panels),
        bottom=0.12,
    )
    for i, panel in enumerate(panels):
        x = i * (width + GAP)
        _head(page, x, width, top, panel, facts)
        for start, tiles, text in (
            (starts[0], pairs[i], "originals, and below them their reconstructions"),
            (starts[1], news[i], "new samples"),
        ):
            _heading(page, x, start, width, text)
            tiles.draw(page.place(x, start, tiles.width, tiles.height))
        _map(page, x, starts[2], width, panel, schema)
    return page.finish()


def _head(page: Page, x: float, width: float, height: float, panel: Panel, facts: Sequence[str]) -> None:
    ax = page.place(x, 0, width, height)
    ax.set_axis_off()
    ax.set_xlim(0, width)
    ax.set_ylim(height, 0)
    ax.text(0, 0, panel.name, size=TEXT_SIZE + 3, weight="bold", color=INK, va="top")
    for i, fact in enumerate(facts):
        y = 0.34 + LINE * i
        ax.text(0, y, fact, size=SMALL_SIZE, color=MUTED, va="top")
        value = panel.facts.get(fact)
        look: dict[str, Any] = {"color": INK, "weight": "bold"} if value else {"color": FAINT}
        ax.text(width, y, value or "not defined", size=SMALL_SIZE + 0.5, va="top", ha="right", **look)


def _heading(page: Page, x: float, y: float, width: float, text: str) -> None:
    ax = page.place(x, y - HEADING + 0.04, width, HEADING)
    ax.set_axis_off()
    ax.text(0, 0.35, text, size=SMALL_SIZE + 0.5, color=MUTED, va="bottom", transform=ax.transAxes)


def _map(page: Page, x: float, y: float, width: float, panel: Panel, schema: Schema) -> None:
    codes = as_numpy(panel.z).reshape(len(panel.z), -1).astype(np.float64)
    draws = None if panel.draws is None else as_numpy(panel.draws).reshape(len(panel.draws), -1)
    text = "latent space"
    if codes.shape[1] > 2:
        directions, shares = principal_plane(codes)
        codes, draws = codes @ directions, None if draws is None else draws @ directions
        text += f": two principal components, {sum(shares):.0%} of the variance"
    _heading(page, x, y, width, text)
    # Indented, so that the tick labels stay inside the column.
    ax = page.place(x + INDENT, y, width - INDENT, width - INDENT)
    draws = draws if draws is not None and draws.shape[1] == 2 else None
    draw_latent_map(ax, codes, panel.labels, schema, circles=panel.circles, draws=draws)


def _grid(sets: Sequence[Any], rows: int) -> Any:
    """8 columns of examples: one set over `rows` rows, or one row for each set."""
    if len(sets) == 1:
        return to_grid(sets[0], rows, 8)
    return np.concatenate([to_grid(x, 1, 8) for x in sets])


def _target(schema: Schema) -> int:
    """Length of a tile that lets eight fill the column."""
    return round((SIDE * DPI - 7 * 6) / 8)
