"""The aggregate posterior: what a code tells of its example, and how far all codes are from the prior."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent, Normal

from vaekit.conditional import Posterior, is_exact
from vaekit.distributions.chain import Chain
from vaekit.errors import UserError
from vaekit.evaluation.bootstrap import bootstrap_interval
from vaekit.evaluation.chunks import BUDGET, batches_of, evaluating, standard_error, subset

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model

LIMIT, LIMIT_CHAIN = 10_000, 500
"""Examples of the mixture; every pair of them costs a density, which for a hierarchy is a pass of its networks."""


def aggregate_posterior(
    model: Model, part: Part, *, limit: int | None = None, seed: int = 0, batch_size: int = 500
) -> dict[str, Any]:
    """The rate as information plus distance: KL = I(x; z) + KL(q(z) || p(z)), q(z) = 1/N sum_n q(z|x_n). Hoffman and
    Johnson, "ELBO Surgery", 2016.

    One draw of z for each of N examples, judged by the mixture of all N posteriors: nothing is estimated from
    minibatches. Both terms are those of these N examples; the information is at most log N.

    Args:
        model: a model with a posterior density.
        part: the data.
        limit: a random subset of this many examples; 10,000 when None, 500 for a hierarchy.
        seed: of the subset and the draws.
        batch_size: posteriors at a time.

    Returns:
        `mutual_information` and `aggregate_kl` in nats, their standard errors and intervals; `rate_sampled`, their
        sum; `mutual_information_limit`, log N; `aggregate_n`.

    Raises:
        UserError: a deterministic posterior.
    """
    model.require_density("information in nats")
    if not is_exact(model, Posterior):
        raise UserError("The aggregate posterior needs log q(z|x) at any z, which this posterior does not know.")
    with evaluating(model, seed):
        if limit is None:
            x, y = next(iter(batches_of(part, model, 1)))
            limit = LIMIT_CHAIN if isinstance(model.encode(x, y), Chain) else LIMIT
        few = subset(part, limit, seed)
        posteriors, zs, own, prior = [], [], [], []
        for x, y in batches_of(few, model, batch_size):
            qz = model.encode(x, y)
            z = qz.sample()
            posteriors.append(qz)
            zs.append(z)
            own.append(qz.log_prob(z).cpu().double())
            prior.append(model.log_prior(z, y).cpu().double())
        log_qz_x, log_pz = torch.cat(own), torch.cat(prior)
        log_qz = log_mixture(torch.cat(zs), posteriors).cpu()
    information, distance = log_qz_x - log_qz, log_qz - log_pz
    results: dict[str, Any] = {}
    for name, values in (("mutual_information", information), ("aggregate_kl", distance)):
        results[name], results[f"{name}_se"] = float(values.mean()), standard_error(values)
        results[f"{name}_interval"] = bootstrap_interval(values, seed=seed)
    results["rate_sampled"] = float((information + distance).mean())
    return results | {"mutual_information_limit": math.log(len(few)), "aggregate_n": len(few)}


def log_mixture(z: Tensor, posteriors: Sequence[Distribution]) -> Tensor:
    """log 1/N sum_n q(z|x_n), (M,) in float64, of codes (M, *latent) under batches of N posteriors in all."""
    total = torch.full((len(z),), -math.inf, dtype=torch.float64)
    num = 0
    for qz in posteriors:
        size = qz.batch_shape[0]
        rows = max(1, BUDGET // (32 * size * max(1, z[0].numel())))
        for start in range(0, len(z), rows):
            log_q = log_probs(qz, z[start : start + rows]).logsumexp(-1).cpu()
            total[start : start + rows] = torch.logaddexp(total[start : start + rows], log_q)
        num += size
    return total - math.log(num)


def log_probs(qz: Distribution, z: Tensor) -> Tensor:
    """log q(z_m|x_n) of every pair, (M, N), float64."""
    if isinstance(qz, Independent) and isinstance(qz.base_dist, Normal) and z.ndim == 2:
        # As two matrix products; in float64 the squares may cancel.
        loc, scale, z = qz.base_dist.loc.double(), qz.base_dist.scale.double(), z.double()
        precision = scale.pow(-2)
        square = z.square() @ precision.T - 2 * z @ (loc * precision).T + (loc.square() * precision).sum(-1)
        return -0.5 * square - scale.log().sum(-1) - 0.5 * z.shape[-1] * math.log(2 * math.pi)
    pairs = z.unsqueeze(1).expand(-1, qz.batch_shape[0], *z.shape[1:])
    return qz.log_prob(pairs).double()
