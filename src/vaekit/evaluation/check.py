"""ais_check: the likelihood of the same examples by two routes, and whether they agree."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from vaekit.evaluation.ais import ais
from vaekit.evaluation.chunks import subset
from vaekit.evaluation.likelihood import nll
from vaekit.evaluation.protocol import protocol_of

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model

LIMIT = 100


def ais_check(
    model: Model,
    part: Part,
    *,
    limit: int | None = LIMIT,
    num_samples: int = 5000,
    num_chains: int = 16,
    num_temperatures: int = 500,
    num_leapfrog: int = 10,
    double: bool = False,
    seed: int = 0,
    name: str = "",
) -> dict[str, Any]:
    """-log p(x) by annealed importance sampling from the prior, beside importance sampling from q(z|x).

    Both overstate -log p(x) on average, and the lower one is the closer. The second does badly
    where q(z|x) misses a part of the posterior, the first where the path is too short.
    Neither knows of the other's fault.

    Args:
        model: a model with continuous codes.
        part: the data.
        limit: a random subset of this many examples.
        num_samples: importance samples K.
        num_chains, num_temperatures, num_leapfrog, double: as in `ais`.
        seed: of the subset and the draws.
        name: what the part is called in the protocol.

    Returns:
        JSON-ready: `ais_nll` and `importance_nll`, each with its `_sampling_error`, the standard error that the draws
        of z bring; their difference, its 95 % interval by these errors, widened to either side by what the two
        overstate for want of draws (`Nll.jensen_gap`); `agree`, whether it holds zero; `intervals_overlap`, whether the
        intervals over examples do.
    """
    few = subset(part, limit, seed)
    annealed = ais(
        model, few, num_chains=num_chains, num_temperatures=num_temperatures, num_leapfrog=num_leapfrog,
        double=double, seed=seed,
    )  # fmt: skip
    plain = nll(model, few, num_samples=num_samples, seed=seed)
    difference = annealed.mean - plain.mean
    error = math.hypot(annealed.sampling_error, plain.sampling_error)
    low = difference - 1.96 * error - annealed.jensen_gap
    high = difference + 1.96 * error + plain.jensen_gap
    stated = protocol_of(model, few, part, seed=seed, num_samples=num_samples, name=name)
    return {
        "ais_nll": annealed.mean,
        "ais_nll_se": annealed.standard_error,
        "ais_nll_interval": annealed.interval,
        "ais_nll_sampling_error": annealed.sampling_error,
        "ais_ess": float(annealed.ess.mean()),
        "ais_acceptance": annealed.acceptance if math.isfinite(annealed.acceptance) else None,
        "importance_nll": plain.mean,
        "importance_nll_se": plain.standard_error,
        "importance_nll_interval": plain.interval,
        "importance_nll_sampling_error": plain.sampling_error,
        "importance_ess": float(plain.ess.mean()),
        "difference": difference,
        "difference_interval": [low, high],
        "agree": low <= 0 <= high,
        "intervals_overlap": _overlap(annealed.interval, plain.interval),
        "protocol": {
            **stated,
            "estimator": "annealed importance sampling with HMC from the prior, beside importance sampling",
            "num_chains": num_chains,
            "num_temperatures": num_temperatures,
            "num_leapfrog": num_leapfrog,
            "double": double,
        },
    }


def _overlap(a: list[float] | None, b: list[float] | None) -> bool | None:
    return None if a is None or b is None else a[0] <= b[1] and b[0] <= a[1]
