"""draw_run: every picture of a run that makes sense for its model, into one folder."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vaekit.conditional import is_curved
from vaekit.evaluation.chunks import evaluating, subset
from vaekit.memory import give_back
from vaekit.plots.comparison import embed_all
from vaekit.plots.curves import curves
from vaekit.plots.data_grid import data_grid
from vaekit.plots.interpolations import interpolations
from vaekit.plots.kl import kl_per_dimension
from vaekit.plots.latent_grid import latent_grid, prior_quantiles
from vaekit.plots.latent_map import latent_map
from vaekit.plots.reconstructions import reconstructions
from vaekit.plots.samples import samples
from vaekit.plots.style import number, save
from vaekit.plots.table import table_figures
from vaekit.plots.tiles import has_dark_ink
from vaekit.plots.traversals import traversals
from vaekit.priors import StandardNormal

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vaekit.data.dataset import Dataset, Part
    from vaekit.model import Model

NUM_POINTS, NUM_EXAMPLES, NUM_DOTS, NUM_PAIRS, NUM_KL = 5000, 96, 1000, 8, 1000
GRID_SIDE, NUM_STEPS, MAX_ROWS, MAX_LATENT = 20, 13, 12, 256


def draw_run(
    model: Model,
    dataset: Dataset,
    metrics: Sequence[Mapping[str, Any]],
    folder: str | Path,
    *,
    seed: int = 0,
    results: Mapping[str, Any] | None = None,
) -> list[Path]:
    """Draw a run: data, curves, reconstructions, samples, latent, latent_grid, traversals, interpolations, kl.

    A picture that the model has nothing to show in is left out: the KL of an autoencoder, for example. Every file
    appears whole or not at all.

    Args:
        model: the trained model; evaluation mode and random state are put back.
        dataset: pictures show its held-out part, and `data` its training part.
        metrics: the rows that training logged, one an epoch.
        folder: gets the PNG files.
        seed: of the examples and draws that are shown.
        results: what `evaluate` returned; its figures go into the subtitles.

    Returns:
        The files written.
    """
    written = []
    with evaluating(model, seed):
        for name, figure in _figures(model, dataset, metrics, seed, results or {}):
            written.append(save(figure, Path(folder) / f"{name}.png"))
            figure.clear()  # a figure and its parts name each other: memory would come back late
            give_back()
    return written


def _figures(
    model: Model,
    dataset: Dataset,
    metrics: Sequence[Mapping[str, Any]],
    seed: int,
    results: Mapping[str, Any],
) -> Any:
    """Names and figures one by one, so that only one is held at a time."""
    schema = dataset.schema
    if schema.kind == "table":
        yield from table_figures(model, dataset, metrics, seed)
        return
    held_out = next(p for p in (dataset.test, dataset.valid, dataset.train) if p is not None and len(p))
    x, y = _examples(dataset.train, seed)
    ink = has_dark_ink(x, schema)
    yield "data", data_grid(x, schema, y, dark_ink=ink)
    if any(isinstance(v, Mapping) and v for row in metrics for v in row.values()):
        yield "curves", curves(metrics, name=schema.name)

    x, y = _examples(held_out, seed)
    x, y = x.to(model.device), None if y is None else y.to(model.device)
    given = y if model.condition else None
    if not model.condition or given is not None:
        note = f"Mean squared error per value: {number(results['mse'])}." if results.get("mse") else ""
        yield (
            "reconstructions",
            reconstructions(x, model.reconstruct(x, given), schema, dark_ink=ink, note=note),
        )

        z, labels = embed_all(model, subset(held_out, NUM_POINTS, seed))
        standard = isinstance(getattr(model, "prior", None), StandardNormal)
        yield "latent", latent_map(z, labels, schema, circles=standard)
        yield from _walks(model, held_out, z, x, given, ink, seed, standard)

    columns = model.condition if 4 <= model.condition <= 16 else 12
    num = 8 * columns if schema.num_features > 2 else NUM_DOTS
    classes = torch.arange(num, device=model.device) % model.condition if model.condition else None
    drawn = model.sample(num, classes)
    yield "samples", samples(drawn, schema, classes, dark_ink=ink, columns=columns)


def _walks(
    model: Model, part: Part, z: Tensor, x: Tensor, y: Tensor | None, ink: bool, seed: int, standard: bool
) -> Any:
    """Pictures that move through the latent space."""
    schema = part.schema
    kls = _mean_kl(model, subset(part, NUM_KL, seed)) if model.is_density else None
    if kls is not None and sum(map(len, kls)) != math.prod(model.latent_shape):
        kls = None  # the KL does not fall apart into dimensions: a vector-quantized code, for example
    if kls is not None:
        yield "kl", kl_per_dimension(kls, name=schema.name)
    if model.latent_shape == (2,) and not model.condition and schema.num_features > 2:
        yield "latent_grid", _grid(model, z, schema, ink, standard)
    if len(model.latent_shape) == 1 and model.latent_shape[0] <= MAX_LATENT and schema.num_features > 2:
        flat = torch.cat(kls) if kls is not None else None
        # An ordinary example: its code is as far out as the median one.
        start = int(model.embed(x, y).square().sum(-1).median(0).indices)
        given = None if y is None else y[start : start + 1]
        yield "traversals", _traversals(model, z, x[start : start + 1], given, schema, flat, ink)
    first, second = _pairs(x, y)
    if len(first) and schema.num_features > 2:
        given = None if y is None else y[first]
        walk = model.interpolate(x[first], x[second], given, num_steps=11)
        yield "interpolations", interpolations(walk, schema, dark_ink=ink)


def _examples(part: Part, seed: int) -> tuple[Tensor, Tensor | None]:
    """Random examples of a part in random order."""
    generator = torch.Generator().manual_seed(seed)
    num = NUM_DOTS if part.schema.num_features == 2 else NUM_EXAMPLES
    return part.batch(part.order(generator)[:num], torch.Generator().manual_seed(seed))


def _mean_kl(model: Model, part: Part) -> list[Tensor]:
    """Mean KL of each dimension, (D,) for each layer."""
    sums: list[Tensor] = []
    for x, y in part.batches(250):
        given = y.to(model.device) if model.condition and y is not None else None
        layers = [layer.kl_per_dimension.sum(0).cpu() for layer in model(x.to(model.device), given, 1).layers]
        sums = [a + b for a, b in zip(sums, layers)] if sums else layers
    return [total / len(part) for total in sums]


def _grid(model: Model, z: Tensor, schema: Any, ink: bool, standard: bool) -> Figure:
    """The plane at the prior's quantiles; at the codes' own quantiles where the prior is another."""
    shares = (torch.arange(GRID_SIDE) + 0.5) / GRID_SIDE
    values = None if standard and model.is_density else torch.quantile(z.float(), shares, dim=0).T
    across, up = (prior_quantiles(GRID_SIDE),) * 2 if values is None else values
    plane = torch.stack(torch.meshgrid(across, up, indexing="xy"), -1)
    return latent_grid(
        model.decode(plane.flatten(0, 1)).mean.unflatten(0, plane.shape[:2]),
        schema,
        values=values,
        dark_ink=ink,
    )


def _traversals(
    model: Model, z: Tensor, x: Tensor, y: Tensor | None, schema: Any, kl: Tensor | None, ink: bool
) -> Figure:
    """The dimensions with the largest KL; those that vary most where there is no KL."""
    num_dims = z.shape[1]
    dims = (z.var(0) if kl is None else kl).argsort(descending=True)[:MAX_ROWS]
    steps, in_units = torch.linspace(-3, 3, NUM_STEPS), model.is_density and not is_curved(model)
    codes = model.embed(x, y).cpu().expand(len(dims), NUM_STEPS, num_dims).clone()
    for row, dim in enumerate(dims):
        codes[row, :, dim] = steps if in_units else z[:, dim].mean() + steps * z[:, dim].std()
    given = None if y is None else y.expand(len(dims) * NUM_STEPS)
    images = model.decode(codes.flatten(0, 1), given).mean.unflatten(0, codes.shape[:2])
    axis = "value of the latent dimension" if in_units else "standard deviations from the mean code"
    return traversals(
        images,
        schema,
        None if kl is None else kl[dims],
        values=steps,
        dims=dims.tolist(),
        dark_ink=ink,
        axis=axis,
    )


def _pairs(x: Tensor, y: Tensor | None) -> tuple[Tensor, Tensor]:
    """Indices of examples to walk between; of one class where the model is told the class."""
    if y is None:
        num = min(NUM_PAIRS, len(x) // 2)
        return torch.arange(num), torch.arange(num, 2 * num)
    first: list[int] = []
    second: list[int] = []
    used: set[int] = set()
    classes = y.tolist()
    for i in range(len(x)):
        for j in range(i + 1, len(x)):
            if classes[i] == classes[j] and i not in used and j not in used and len(first) < NUM_PAIRS:
                first.append(i)
                second.append(j)
                used |= {i, j}
    return torch.tensor(first, dtype=torch.long), torch.tensor(second, dtype=torch.long)
