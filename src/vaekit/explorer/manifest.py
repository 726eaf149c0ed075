"""state_run: everything that the page needs to know of a run, as explorer/CONTRACT.md says."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from vaekit.errors import UserError
from vaekit.explorer.blobs import Blobs
from vaekit.explorer.kinds import (
    choose_examples,
    kind_of,
    state_audio,
    state_examples,
    state_table,
    value_range,
)
from vaekit.explorer.points import Points, encode_points, plane_of, state_points
from vaekit.explorer.priors import state_prior
from vaekit.explorer.replays import state_replay
from vaekit.hierarchical import HierarchicalVAE
from vaekit.interop.codes import grid_of, is_discrete
from vaekit.interop.onnx import export_onnx, halves_of
from vaekit.ladder import LadderVAE
from vaekit.model import VAE, Model

if TYPE_CHECKING:
    from vaekit.data.dataset import Dataset, Part
    from vaekit.run import Run

__all__ = ["MAX_POINTS", "StatedRun", "state_run"]

MAX_POINTS, MIN_POINTS = 50_000, 2_000


@dataclass
class StatedRun:
    """A run's part of the manifest, with points that can still be made fewer.

    Args:
        manifest: what the page is told; its blobs are in `blobs`.
    """

    manifest: dict[str, Any]
    blobs: Blobs
    points: Points | None
    plane: dict[str, Any] | None
    num_points: int

    def fit(self, budget: int) -> None:
        """Leave out points until all blobs take at most `budget` bytes of a page, or few points are left."""
        while self.points is not None and self.blobs.size > budget and self.num_points > MIN_POINTS:
            over = (self.blobs.size - budget) / max(self._points_size(), 1)
            self.num_points = max(MIN_POINTS, int(self.num_points * max(0.02, 1 - 1.02 * over)))
            self.manifest["points"] = state_points(self.points, self.num_points, self.plane, self.blobs)

    def _points_size(self) -> int:
        stated = self.manifest["points"] or {}
        names = [stated[k]["blob"] for k in ("mean", "std", "label") if stated.get(k)]
        names += [array["blob"] for array in stated.get("metrics", {}).values()]
        return sum(-(-len(self.blobs.held[name].packed) // 3) * 4 for name in names)


def state_run(run: Run, index: int = 0, *, max_points: int = MAX_POINTS) -> StatedRun:
    """What the page needs of a run.

    Args:
        run: opened; its data is read where it says what that is.
        index: its place on the page.
        max_points: examples on the latent map at most, from the validation part first.

    Raises:
        UserError: the model or its data cannot be shown, or read.
    """
    model = run.load_model("cpu")
    kind, schema, blobs = kind_of(model), model.schema, Blobs(f"{index}-")
    assert schema is not None
    data = run.load_data() if "data" in run.config else None
    part = None if data is None else _pool(data, max_points)
    x = (
        None
        if part is None
        else part.batch(torch.arange(min(16, len(part))), torch.Generator().manual_seed(0))[0]
    )
    graphs = export_onnx(model, x, is_small=True, with_prior=_has_own_prior(model))
    points = None if part is None else encode_points(model, halves_of(model)[0], part)
    made = _about(run, model, kind) | {"latent": _latent(model, points)}
    made["encoder"] = blobs.graph("encoder", graphs.encoder)
    made["decoder"] = blobs.graph("decoder", graphs.decoder)
    made["conditional"] = "y" in graphs.decoder.inputs
    low, high = value_range(schema, torch.zeros(1) if x is None else x)
    made |= {"low": low, "high": high} if kind != "table" else {"low": None, "high": None}

    count = 0 if part is None else len(part)
    has_plane = points is not None and points.mean is not None and points.mean.shape[1] > 2
    plane = plane_of(points.mean) if has_plane else None  # type: ignore[union-attr, arg-type]
    made["points"] = None if points is None else state_points(points, count, plane, blobs)
    if points is not None and points.codes is not None:
        usage = np.bincount(points.codes.reshape(-1), minlength=made["latent"]["codebook"])
        made["latent"]["usage"] = blobs.array("usage", usage, "int32")
    made["examples"] = None if part is None else _examples(kind, part, made["points"] is not None, blobs)
    made["prior"] = state_prior(model, blobs, _reach(points), plane)
    if made["prior"] is not None and graphs.prior is not None:
        made["prior"]["model"] = blobs.graph("prior", graphs.prior)
    made["audio"] = state_audio(model) if kind == "audio" else None
    made["table"] = state_table(schema, None if data is None else data.train) if kind == "table" else None
    made["curves"] = state_curves(run.metrics())
    has_map = made["family"] != "codes"
    made["replay"] = state_replay(run, made["latent"]["size"] if has_map else None, plane, blobs)
    return StatedRun(made, blobs, points, plane, count)


def _about(run: Run, model: Model, kind: str) -> dict[str, Any]:
    """Names and shapes."""
    schema = model.schema
    assert schema is not None
    is_codes = isinstance(model, VAE) and is_discrete(model)
    is_layered = isinstance(model, HierarchicalVAE | LadderVAE)
    return {
        "name": run.path.resolve().name, "recipe": run.config.get("recipe", {}).get("name", "by hand"),
        "data": schema.name, "likelihood": type(model.likelihood).__name__, "kind": kind,
        "family": "codes" if is_codes else "layers" if is_layered else "flat",
        "deterministic": not model.is_density and not is_codes, "shape": list(schema.shape),
        "classes": list(schema.label_names) or None,
    }  # fmt: skip


def _latent(model: Model, points: Points | None) -> dict[str, Any]:
    """The latent dimensions, in their layers, with the information that each carries."""
    if isinstance(model, VAE) and is_discrete(model):
        symbols, height, width, values = grid_of(model)
        grid = [symbols * height, width]
        return {
            "size": math.prod(grid),
            "layers": [],
            "rate": None,
            "codebook": values,
            "grid": grid,
            "usage": None,
        }
    shapes: list[tuple[int, ...]]
    if isinstance(model, LadderVAE):
        shapes = list(model.shapes)
    elif isinstance(model, HierarchicalVAE):
        shapes = [(size,) for size in model.sizes]
    else:
        shapes = [model.posterior.event_shape]  # type: ignore[union-attr, list-item]
    sizes = [math.prod(shape) for shape in shapes]
    names = [f"z{len(sizes) - i}" for i in range(len(sizes))] if len(sizes) > 1 else ["z"]
    layers = [
        {"name": name, "start": sum(sizes[:i]), "size": sizes[i], "shape": list(shapes[i])}
        for i, name in enumerate(names)
    ]
    rate = None if points is None or points.rate is None else [round(float(v), 6) for v in points.rate]
    is_bound = points is not None and points.is_bound
    made = {"size": sum(sizes), "layers": layers, "rate": rate, "codebook": None, "grid": None}
    return made | ({"rate_is_bound": True} if is_bound else {})


def _has_own_prior(model: Model) -> bool:
    """Whether draws from the prior need more than the noise itself."""
    return not (isinstance(model, VAE) and type(model.prior).__name__ == "StandardNormal")


def _pool(data: Dataset, max_points: int) -> Part:
    """The validation part and what there is room for of the training part, mixed, so that a piece stands for all."""
    generator = torch.Generator().manual_seed(0)
    parts = [part for part in (data.valid, data.train) if part is not None and len(part)]
    if not parts:
        raise UserError(f"{data.schema.name} has no example to show.")
    chosen: list[Part] = []
    room = max_points
    for part in parts:
        chosen.append(part.take(part.order(generator)[:room]))
        room -= len(chosen[-1])
    return _joined(chosen).take(torch.randperm(max_points - room, generator=generator))


def _joined(parts: list[Part]) -> Part:
    """Several parts of one data set as one."""
    import dataclasses

    if len(parts) == 1:
        return parts[0]
    labels = [part.y for part in parts if part.y is not None]
    return dataclasses.replace(
        parts[0],
        raw=torch.cat([part.raw for part in parts]),
        y=torch.cat(labels) if len(labels) == len(parts) else None,
        names=None,
        factors=None,
    )


def _examples(kind: str, part: Part, has_points: bool, blobs: Blobs) -> dict[str, Any]:
    """A few of the first points: they are still there when others are left out."""
    index = choose_examples(kind, part, min(len(part), MIN_POINTS))
    x = part.batch(index, torch.Generator().manual_seed(0))[0]
    assert part.schema is not None
    return state_examples(kind, part.schema, x, index if has_points else None, blobs)


def _reach(points: Points | None) -> float:
    """How far the codes lie from the origin."""
    if points is None or points.mean is None:
        return 0.0
    return float(np.quantile(np.abs(points.mean), 0.999)) * 1.1


def state_curves(metrics: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The lines of metrics.jsonl as series over epochs, None where a value is missing or no number."""
    if not metrics:
        return None
    series: dict[str, list[float | None]] = {}
    for i, line in enumerate(metrics):
        for part in ("train", "valid"):
            for name, value in (line.get(part) or {}).items():
                row = series.setdefault(f"{part}.{name}", [None] * len(metrics))
                row[i] = (
                    float(f"{value:.6g}") if isinstance(value, int | float) and math.isfinite(value) else None
                )
    return {"epoch": [line["epoch"] for line in metrics], "series": series}
