"""latent_figures: what the codes of a model tell, and how they lie, with the protocol of the figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from vaekit.conditional import Posterior, is_exact
from vaekit.evaluation.aggregate import aggregate_posterior
from vaekit.evaluation.bootstrap import bootstrap_interval
from vaekit.evaluation.chunks import standard_error, subset
from vaekit.evaluation.codes import codes_of
from vaekit.evaluation.frechet import gather
from vaekit.evaluation.knn import NEIGHBOURS, knn
from vaekit.evaluation.linear_probe import linear_probe
from vaekit.evaluation.protocol import examples_of
from vaekit.evaluation.trustworthiness import trustworthiness

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model

NUM_TRUST = 2000


def latent_figures(
    model: Model, part: Part, train: Part, *, limit: int = 10_000, seed: int = 0, name: str = ""
) -> dict[str, Any]:
    """Information of the codes, distance of the aggregate posterior from the prior, accuracy of a linear probe and of
    nearest neighbours on posterior means, trustworthiness.

    Rate and active units of each layer and dimension come with `evaluate`.

    Args:
        model: any model; one that has no log q(z|x), or not at any z, gets None for what needs it.
        part: held-out data, on which everything is measured.
        train: the training part, from which the classifiers learn.
        limit: at most so many examples of either part.
        seed: of the subsets and draws.
        name: what the part is called in the protocol.

    Returns:
        JSON-ready figures with `_se` and `_interval`; the accuracies are None where there are no labels.
    """
    few, known = subset(part, limit, seed), subset(train, limit, seed)
    results: dict[str, Any] = {"mutual_information": None, "aggregate_kl": None}
    if model.is_density and is_exact(model, Posterior):
        results |= aggregate_posterior(model, few, seed=seed)
    codes, learnt = codes_of(model, few, seed)[0], codes_of(model, known, seed)[0]
    results |= {"linear_probe": None, "knn": None, "trustworthiness": None}
    if few.y is not None and known.y is not None and len(torch.unique(known.y)) > 1:
        labels = known.y.cpu().numpy(), few.y.cpu().numpy()
        results |= _accuracy("linear_probe", linear_probe(learnt, labels[0], codes, labels[1], seed=seed))
        results |= _accuracy("knn", knn(learnt, labels[0], codes, labels[1]))
    close = subset(few, NUM_TRUST, seed)
    if len(close) > 2 * NEIGHBOURS:
        x = gather(close, len(close), seed).flatten(1).double().numpy()
        results["trustworthiness"] = trustworthiness(x, codes_of(model, close, seed)[0])
    results["protocol"] = {
        **examples_of(few, part, name=name),
        "seed": seed,
        "binarization": part.binarize,
        "codes": "means of q(z|x)",
        "num_train": len(known),
        "probe": "logistic regression on standardized codes, C = 1",
        "neighbours": NEIGHBOURS,
        "num_trustworthiness": len(close),
    }
    return results


def _accuracy(name: str, right: np.ndarray) -> dict[str, Any]:
    values = torch.from_numpy(right).double()
    return {
        name: float(values.mean()),
        f"{name}_se": standard_error(values),
        f"{name}_interval": bootstrap_interval(values),
    }
