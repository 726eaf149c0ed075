"""The pictures of a run on a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from vaekit.evaluation.chunks import subset
from vaekit.plots.comparison import embed_all
from vaekit.plots.curves import curves
from vaekit.plots.dependence import dependence
from vaekit.plots.latent_map import latent_map
from vaekit.plots.marginals import marginals
from vaekit.synthesis import synthesize

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from vaekit.data.dataset import Dataset
    from vaekit.model import Model

NUM_ROWS, NUM_POINTS = 10_000, 5000


def table_figures(
    model: Model, dataset: Dataset, metrics: Sequence[Mapping[str, Any]], seed: int
) -> Iterator[tuple[str, Figure]]:
    """Names and figures: curves, marginals, dependence, latent."""
    schema = dataset.schema
    held_out = next(p for p in (dataset.test, dataset.valid, dataset.train) if p is not None and len(p))
    if any(isinstance(v, Mapping) and v for row in metrics for v in row.values()):
        yield "curves", curves(metrics, name=schema.name)
    real = subset(held_out.in_memory(NUM_ROWS, seed), NUM_ROWS, seed).raw
    new = synthesize(model, len(real), seed=seed)
    yield "marginals", marginals(real, new, schema)
    yield "dependence", dependence(real, new, schema)
    z, labels = embed_all(model, subset(held_out, NUM_POINTS, seed))
    yield "latent", latent_map(z, labels, schema, circles=False)
