"""sample_figures: how good a model's new examples and its reconstructions are, with the protocol of the figures."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vaekit.errors import UserError
from vaekit.evaluation.bootstrap import bootstrap_interval, with_interval
from vaekit.evaluation.chunks import evaluating, standard_error, subset
from vaekit.evaluation.features import FeatureName, Features, feature_network
from vaekit.evaluation.frechet import frechet_distance, frechet_error, gather
from vaekit.evaluation.kid import kernel_distance
from vaekit.evaluation.neighbours import memorization
from vaekit.evaluation.prdc import NEAREST, prdc
from vaekit.evaluation.protocol import examples_of
from vaekit.evaluation.ssim import ssim

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model

NUM_NEAREST, NUM_SSIM = 500, 1000


def sample_figures(
    model: Model,
    part: Part,
    train: Part,
    *,
    features: FeatureName | Features = "auto",
    num_samples: int = 5000,
    seed: int = 0,
    name: str = "",
) -> dict[str, Any]:
    """FID, KID, precision, recall, density and coverage of new samples, over features that the caller names; distance
    to the training data; SSIM of reconstructions.

    Samples are means of p(x|z) for z from the prior; for binary data they are draws, because means are not binary.
    As many held-out examples are taken as samples, or all there are.

    Args:
        model: any model.
        part: held-out data to compare with.
        train: the training part: the feature network is trained on it, and copies are looked for in it.
        features: a name of `feature_network`, or features of one's own.
        num_samples: samples.
        seed: of the samples and the subsets.
        name: what the part is called in the protocol.

    Returns:
        JSON-ready figures with `_interval` (95 %); `fid_data` and `kid_data` are those of training data in place of the
        samples, what a perfect model would get.

    Raises:
        UserError: too few examples or samples.
    """
    if min(len(part), len(train), num_samples) <= NEAREST:
        raise UserError(f"Figures of samples need more than {NEAREST} examples and samples.")
    network = features if isinstance(features, Features) else feature_network(features, train)
    few = subset(part, num_samples, seed)
    with evaluating(model, seed):
        data = gather(few, num_samples, seed)
        drawn = draw(model, num_samples, mean=not part.schema.is_binary)
        order = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))
        real, new = network(data[order]), network(drawn)
        same = network(gather(train, num_samples, seed + 1))
        results: dict[str, Any] = {**_frechet(real, new), "fid_data": frechet_distance(same, real)}
        results |= _kernel(real, new) | {"kid_data": kernel_distance(real, same).value}
        results |= _prdc(real, new, seed)
        results |= memorization(drawn[:NUM_NEAREST], data[order][:NUM_NEAREST], train.to("cpu"), seed=seed)
        results |= _ssim(model, subset(part, NUM_SSIM, seed))
    results["protocol"] = {
        **examples_of(few, part, name=name),
        "seed": seed,
        "num_samples": num_samples,
        "samples": "draws of p(x|z)" if part.schema.is_binary else "means of p(x|z)",
        "binarization": part.binarize,
        "nearest": NEAREST,
        **network.protocol,
    }
    return results


def draw(model: Model, num_samples: int, *, mean: bool, batch_size: int = 250) -> Tensor:
    """New samples (N, *event) on the CPU."""
    sizes = [min(batch_size, num_samples - s) for s in range(0, num_samples, batch_size)]
    return torch.cat([model.sample(size, mean=mean).cpu().float() for size in sizes])


def _frechet(real: Tensor, new: Tensor) -> dict[str, Any]:
    return with_interval("fid", frechet_distance(new, real), frechet_error(new, real))


def _kernel(real: Tensor, new: Tensor) -> dict[str, Any]:
    found = kernel_distance(new, real)
    return with_interval("kid", found.value, found.standard_error)


def _prdc(real: Tensor, new: Tensor, seed: int) -> dict[str, Any]:
    """The four figures; the intervals hold the balls fixed and draw the points that are judged by them anew."""
    found = prdc(real, new)
    results: dict[str, Any] = {}
    for name in ("precision", "recall", "density", "coverage"):
        values = getattr(found, name)
        results[name] = float(values.mean())
        results[f"{name}_se"] = standard_error(values)
        results[f"{name}_interval"] = bootstrap_interval(values, seed=seed)
    return results


def _ssim(model: Model, part: Part) -> dict[str, Any]:
    """SSIM of reconstructions, for images of a bounded range."""
    schema = part.schema
    if schema.kind != "image" or not math.isfinite(schema.high - schema.low) or min(schema.shape[1:]) < 3:
        return {"ssim": None}
    values = []
    for x, y in part.batches(250):
        x, y = x.to(model.device, model.dtype), None if y is None else y.to(model.device)
        values.append(ssim(x, model.reconstruct(x, y), data_range=schema.high - schema.low))
    whole = torch.cat(values)
    return {"ssim": float(whole.mean()), "ssim_se": standard_error(whole),
            "ssim_interval": bootstrap_interval(whole)}  # fmt: skip
