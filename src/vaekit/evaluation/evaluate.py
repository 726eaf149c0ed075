"""evaluate: every metric of a model on one part of the data, as one JSON-ready dictionary."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vaekit.errors import UserError
from vaekit.evaluation.active_units import ActiveUnits
from vaekit.evaluation.bootstrap import Figures
from vaekit.evaluation.chunks import batches_of, chunk_sizes, evaluating, subset
from vaekit.evaluation.codebook import code_usage
from vaekit.evaluation.frechet import frechet_pca64
from vaekit.evaluation.likelihood import ImportanceSum
from vaekit.evaluation.protocol import fingerprint, protocol_of
from vaekit.evaluation.rate_distortion import RateDistortion
from vaekit.evaluation.reconstruction import mse, psnr
from vaekit.files import finite
from vaekit.likelihoods import Bernoulli

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model
    from vaekit.objectives import Objective

MAX_DIMENSIONS = 512
"""More latent dimensions than this are not listed one by one in the results."""

NO_DENSITY = (
    "The posterior is deterministic: there is no rate, ELBO or likelihood; "
    "distortion is -log p(x|z) at the code."
)
CROSS_ENTROPY = (
    "{name} has values between 0 and 1, so the Bernoulli term is a cross-entropy on grey levels and not a "
    "log-likelihood of them: ELBO and NLL compare only with other runs on the same grey data."
)
DENSITY_AT_INTEGERS = (
    "{name} takes the values of a grid, and a density at grid points can be raised at will: log p(x|z) is not a "
    "log-likelihood of it. ELBO and NLL compare only with other runs of the same likelihood on the same data."
)


def evaluate(
    model: Model,
    part: Part,
    *,
    num_samples: int = 100,
    seed: int = 0,
    batch_size: int | None = None,
    limit: int | None = None,
    objective: Objective | None = None,
    reference: Part | None = None,
    name: str = "",
) -> dict[str, Any]:
    """Every metric of `model` on `part`, means over examples with standard errors, in nats per example.

    Args:
        model: any model; one with a deterministic posterior gets None for what it does not have.
        part: held-out data.
        num_samples: draws K of z for each example, for the likelihood, the ELBO and the distortion alike; 0
            leaves the likelihood out and takes one draw for the others.
        seed: of the draws and of the subset; the same seed gives the same numbers.
        batch_size: examples at a time; chosen to fit the memory of a chunk when None.
        limit: evaluate a random subset of this many examples.
        objective: adds its own terms under `objective`.
        reference: the training part; adds the Fréchet distance of prior samples to `part`.
        name: what the part is called in the protocol, "test" for example.

    Returns:
        A JSON-ready dictionary; `elbo` rises, `nll`, `rate`, `distortion` and `loss` (= -elbo) fall. Beside a figure
        stand its standard error (`nll_se`) and its 95 % bootstrap interval over examples (`nll_interval`);
        `protocol` states how they were measured.

    Raises:
        UserError: an empty part, or a negative num_samples or limit.

    Example:
        >>> evaluate(model, data.test, num_samples=1000)["nll"]  # doctest: +SKIP
        98.7
    """
    if num_samples < 0 or (limit is not None and limit < 1):
        raise UserError(f"num_samples is at least 0 and limit at least 1; {num_samples} and {limit} came.")
    if not len(part):
        raise UserError("There are no examples to evaluate on.")
    whole, part = part, subset(part, limit, seed)
    per_example = _PerExample()
    with evaluating(model, seed):
        draws = max(num_samples, 1) if model.is_density else 1
        sizes = chunk_sizes(model, part, draws, batch_size)
        for x, y in batches_of(part, model, sizes[0]):
            _measure(model, x, y, draws, sizes[1], objective, per_example)
    results = _summary(model, part, per_example, num_samples)
    results |= {"n": len(part), "n_total": len(whole), "seed": seed, "unit": "nats per example"}
    draws = num_samples if model.is_density else 0
    results["protocol"] = protocol_of(model, part, whole, seed=seed, num_samples=draws, name=name)
    if reference is not None:
        results |= frechet_pca64(model, whole, reference, seed=seed)
        results["protocol"]["reference"] = fingerprint(reference)
    if usage := code_usage(model, part, seed=seed):
        results["codes"] = usage
    return finite(results)


@dataclass
class _PerExample:
    """What is gathered batch by batch: named values of each example, and the running statistics."""

    values: dict[str, Figures] = field(default_factory=dict)
    objective: dict[str, Figures] = field(default_factory=dict)
    kl_sums: list[Tensor] = field(default_factory=list)
    units: ActiveUnits = field(default_factory=ActiveUnits)

    def add(self, **values: Tensor) -> None:
        for name, value in values.items():
            self.values.setdefault(name, Figures()).add(value)


def _measure(
    model: Model,
    x: Tensor,
    y: Tensor | None,
    draws: int,
    chunk: int,
    objective: Objective | None,
    out: _PerExample,
) -> None:
    """One batch: all draws of z in chunks, every metric from the same traces."""
    weights = ImportanceSum(len(x))
    halves = RateDistortion(with_rate=model.is_density)
    for start in range(0, draws, chunk):
        trace = model(x, y, min(chunk, draws - start))
        halves.add(trace)
        if model.is_density:
            weights.add(trace.log_w)
    out.add(distortion=halves.distortion, mse=mse(*_comparable(model, x, model.reconstruct(x, y))))
    if model.is_density:
        out.add(elbo=halves.elbo, rate=halves.rate, rate_per_layer=halves.rate_per_layer)
        out.add(nll=-weights.log_evidence, ess=weights.ess)
        out.units.add(model.embed(x, y))
        sums = [kl.sum(0) for kl in halves.rate_per_dimension]
        out.kl_sums = [a + b for a, b in zip(out.kl_sums, sums)] if out.kl_sums else sums
    if objective is not None:
        for name, value in objective(model(x, y, objective.num_samples)).terms.items():
            out.objective.setdefault(name, Figures()).add(value)


def _comparable(model: Model, x: Tensor, x_hat: Tensor) -> tuple[Tensor, Tensor]:
    """What squared errors make sense of: all of x, but of a table its observed numbers alone."""
    if model.schema is None or model.schema.kind != "table":
        return x, x_hat
    numbers = [j for j, column in enumerate(model.schema.columns) if not column.is_category]
    x, x_hat = x[:, numbers], x_hat[:, numbers]
    return torch.where(x.isnan(), x_hat, x), x_hat


def _summary(model: Model, part: Part, out: _PerExample, num_samples: int) -> dict[str, Any]:
    """Means, standard errors and the sentences that keep them honest."""
    schema = part.schema
    names = ["elbo", "nll", "rate", "distortion", "mse"]
    results: dict[str, Any] = dict.fromkeys([n + s for n in names for s in ("", "_se", "_interval")])
    for name in names:
        if name in out.values and not (name == "nll" and num_samples == 0):
            found = out.values[name]
            results[name], results[name + "_se"] = float(found.mean), found.standard_error
            results[name + "_interval"] = found.interval
    results["psnr"] = psnr(results["mse"], schema)
    results["num_samples"] = num_samples if model.is_density else 0
    results["is_likelihood"] = model.is_density and model.likelihood.is_likelihood_of(schema)
    results["loss"], results["ess"] = results["distortion"], None
    if model.is_density:
        kls = [kls / out.values["elbo"].num for kls in out.kl_sums]
        results["loss"] = -results["elbo"]
        results["ess"] = float(out.values["ess"].mean) if num_samples else None
        results["rate_per_layer"] = out.values["rate_per_layer"].mean.tolist()
        results["active_units"], results["num_units"] = out.units.count, len(out.units.mask)
        if sum(map(len, kls)) <= MAX_DIMENSIONS:
            results["rate_per_dimension"] = [kl.tolist() for kl in kls]
    else:
        results |= {"active_units": None, "rate_per_layer": None, "note": NO_DENSITY}
    if model.is_density and not results["is_likelihood"]:
        note = CROSS_ENTROPY if isinstance(model.likelihood, Bernoulli) else DENSITY_AT_INTEGERS
        results["note"] = getattr(model.likelihood, "note", note).format(name=schema.name)
    if results["is_likelihood"] and schema.levels is not None and num_samples:
        # A probability of grid values has no unit; a density would depend on the scale of x.
        results["bits_per_dim"] = results["nll"] / (schema.num_features * math.log(2))
    if out.objective:
        results["objective"] = {k: float(v.mean) for k, v in out.objective.items()}
    return results
