"""disentanglement: all scores of a model on data with known factors, with their protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from vaekit.errors import UserError
from vaekit.evaluation.beta_vae_score import beta_vae_score
from vaekit.evaluation.chunks import subset
from vaekit.evaluation.codes import codes_of
from vaekit.evaluation.dci import NUM_TRAIN, NUM_TREES, dci
from vaekit.evaluation.factor_vae_score import factor_vae_score
from vaekit.evaluation.information import BINS, Codes, Factors
from vaekit.evaluation.mig import mig
from vaekit.evaluation.modularity import modularity
from vaekit.evaluation.protocol import examples_of
from vaekit.evaluation.sap import sap

if TYPE_CHECKING:
    from collections.abc import Sequence

    from vaekit.data.dataset import Part
    from vaekit.model import Model


def disentanglement(
    model: Model,
    part: Part,
    *,
    limit: int | None = 10_000,
    seed: int = 0,
    name: str = "",
    factor_names: Sequence[str] = (),
) -> dict[str, Any]:
    """MIG, SAP, modularity, DCI, FactorVAE and beta-VAE score of a model's posterior means; each function states its
    exact definition.

    Args:
        model: any model with codes of vectors.
        part: data with known factors (`Part.factors`), `shapes` for example. A factor that is also the label counts as
            categorical, every other as ordered.
        limit: a random subset of this many examples.
        seed: of the subset and of all draws.
        name: what the part is called in the protocol.
        factor_names: stated in the protocol.

    Returns:
        JSON-ready scores; `mig_sampled` is MIG on one draw of q(z|x) in place of its mean.

    Raises:
        UserError: the data has no factors.
    """
    if part.factors is None:
        raise UserError(
            f"{part.schema.name} has no known factors, which disentanglement is measured by; the data set shapes has."
        )
    few = subset(part, limit, seed)
    means, draws = codes_of(model, few, seed)
    assert few.factors is not None
    factors = few.factors.cpu().numpy().astype(np.int64)
    results = scores(means, factors, categorical=_labels(few), seed=seed)
    results["mig_sampled"] = mig(draws, factors)
    results["protocol"] = {
        **examples_of(few, part, name=name),
        "seed": seed,
        "factors": list(factor_names) or factors.shape[1],
        "codes": "means of q(z|x)",
        "bins": BINS,
        "dci": f"gradient boosted trees, {NUM_TREES} rounds, {NUM_TRAIN} examples",
        "sap": "R^2 of ordered factors, linear SVM for categorical ones",
    }
    return results


def scores(
    codes: Codes, factors: Factors, *, categorical: Sequence[int] = (), seed: int = 0
) -> dict[str, Any]:
    """All scores of codes (N, D) against factors (N, F)."""
    return {
        "mig": mig(codes, factors),
        "sap": sap(codes, factors, categorical=categorical, seed=seed),
        "modularity": modularity(codes, factors),
        **dci(codes, factors, seed=seed),
        "factor_vae_score": factor_vae_score(codes, factors, seed=seed),
        "beta_vae_score": beta_vae_score(codes, factors, seed=seed),
    }


def _labels(part: Part) -> list[int]:
    """Columns of the factors that are the labels."""
    if part.y is None or part.factors is None:
        return []
    return [k for k in range(part.factors.shape[1]) if torch.equal(part.factors[:, k], part.y)]
