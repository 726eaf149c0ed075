"""The points of the latent map: where examples are encoded, how widely, and how well the model knows them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from vaekit.evaluation.chunks import batches_of, chunk_sizes, evaluating
from vaekit.evaluation.reconstruction import mse
from vaekit.explorer.blobs import Blobs
from vaekit.model import VAE
from vaekit.plots.latent_map import principal_plane

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.interop.halves import Half
    from vaekit.model import Model

__all__ = ["Points", "encode_points", "information_bound", "plane_of", "state_points"]


@dataclass
class Points:
    """Arrays of N examples, in an order that is random, so that the first n of them stand for all.

    Args:
        mean, std: (N, D) of q(z|x); no spread where it has no closed form.
        codes: (N, h, w) of a discrete model, which has neither.
        label: (N,) classes, -1 where unknown; None for data without.
        metrics: (N,) each, by name.
        rate: what each dimension carries, (D,), in nats: the mean over examples of its KL; None where unknown.
        is_bound: whether `rate` is an upper bound of the information instead, as `information_bound` has it.
    """

    mean: np.ndarray | None
    std: np.ndarray | None
    codes: np.ndarray | None
    label: np.ndarray | None
    metrics: dict[str, np.ndarray]
    rate: np.ndarray | None
    is_bound: bool = False


def encode_points(model: Model, encoder: Half, part: Part) -> Points:
    """Every example of `part`, encoded by what the page encodes with, with the same noise every time."""
    found: dict[str, list[Tensor]] = {}
    with evaluating(model, 0):
        size, _ = chunk_sizes(model, part, 1)
        for x, y in batches_of(part, model, size):
            for name, value in (_encoded(model, encoder, x, y) | _measured(model, x, y)).items():
                found.setdefault(name, []).append(value.cpu())
    made = {name: torch.cat(values).numpy() for name, values in found.items()}
    kl, mean, std = (made.pop(name, None) for name in ("kl", "mean", "std"))
    if kl is not None and (mean is None or kl.shape[1] != mean.shape[1]):
        kl = None  # known for layers or for the whole only
    rate = None if kl is None else kl.mean(0, dtype=np.float64)
    is_bound = False
    if rate is None and mean is not None and std is not None and isinstance(model, VAE):
        rate, is_bound = information_bound(mean, std), True
    return Points(
        mean,
        std,
        made.pop("codes", None),
        None if part.y is None else part.y.cpu().numpy(),
        made,
        rate,
        is_bound,
    )


def information_bound(mean: np.ndarray, std: np.ndarray) -> np.ndarray:
    """What each dimension tells of x at most, (D,), in nats, whatever the prior is.

    I(x; z) = h(z) - E h(z|x), and of all z of one variance a normal one has the largest h.

    Args:
        mean, std: (N, D) of a normal q(z|x).
    """
    variance = std.astype(np.float64) ** 2
    return 0.5 * (np.log(mean.var(0, dtype=np.float64) + variance.mean(0)) - np.log(variance).mean(0))


def _encoded(model: Model, encoder: Half, x: Tensor, y: Tensor | None) -> dict[str, Tensor]:
    """What the encoder gives without noise."""
    given = {"x": x, "eps": x.new_zeros(len(x), encoder.num_dims)} if "eps" in encoder.inputs else {"x": x}
    if "y" in encoder.inputs:
        classes = getattr(model, "num_classes", model.condition)
        is_told = model.needs_labels and y is not None
        given["y"] = model.condition_features(y, x) if is_told else x.new_zeros(len(x), classes)  # type: ignore[assignment]
    out = dict(zip(encoder.outputs, encoder(*(given[name] for name in encoder.inputs)), strict=True))
    return {name: out[name] for name in ("mean", "std", "kl", "codes") if name in out}


def _measured(model: Model, x: Tensor, y: Tensor | None) -> dict[str, Tensor]:
    """Terms of the bound of each example, in nats, and the squared error of its reconstruction."""
    trace = model(x, y, 1)
    found = {"distortion": -trace.log_px[0]}
    if model.is_density:
        found |= {"elbo": trace.log_px[0] - trace.kl, "rate": trace.kl}
    if model.schema is not None and model.schema.kind == "image":
        found["mse"] = mse(x, model.reconstruct(x, y))
    return found


def plane_of(mean: np.ndarray) -> dict[str, Any]:
    """The plane of the two widest directions: z = center + a axes[0] + b axes[1]."""
    codes = mean.astype(np.float64)
    directions, explained = principal_plane(codes)
    return {
        "axes": directions.T.round(6).tolist(),
        "center": codes.mean(0).round(6).tolist(),
        "explained": [round(share, 4) for share in explained],
    }


def state_points(
    points: Points, count: int, plane: dict[str, Any] | None, blobs: Blobs
) -> dict[str, Any] | None:
    """The first `count` points, as the manifest states them.

    Positions keep what a screen can show, spreads and metrics what an eye can tell.
    """
    if points.mean is None:
        return None
    mean, std, label = points.mean[:count], points.std, points.label
    is_flat = mean.shape[1] <= 2  # there are few numbers, and nothing else is drawn from them
    stated = blobs.array("mean", mean, "float16") if is_flat else blobs.column_steps("mean", mean, bits=8)
    return {
        "mean": stated,
        "std": None if std is None else blobs.array("std", std[:count], "float16", bits=4 if is_flat else 2),
        "label": None if label is None else _labels(label[:count], blobs),
        "metrics": {
            k: blobs.column_steps(f"metric-{k}", v[:count], bits=6) for k, v in points.metrics.items()
        },
        "plane": plane,
    }


def _labels(label: np.ndarray, blobs: Blobs) -> dict[str, Any]:
    fits = label.min(initial=0) >= 0 and label.max(initial=0) < 256
    return blobs.array("label", label, "uint8" if fits else "int32")
