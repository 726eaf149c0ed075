"""Fréchet distance between samples and data, on principal components of the training data."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vaekit.errors import UserError
from vaekit.evaluation.bootstrap import with_interval
from vaekit.evaluation.chunks import evaluating, subset

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model

NUM_FEATURES = 64
GROUPS = 10
NUM_FIT = 10_000
"""Training examples that the components are computed from."""
EXACT_SIZE = 2048
"""Up to this many values in an example the covariance is decomposed exactly, above by random projection."""


@dataclass(frozen=True)
class PrincipalComponents:
    """x -> (x - mean) @ components, with the leading directions (D, F) of the training data.

    Example:
        >>> x = torch.tensor([[0.0, -2.0], [0.0, 2.0], [0.1, 0.0]])
        >>> fitted = PrincipalComponents.fit(x, num_features=1)
        >>> fitted(torch.tensor([[0.0, 5.0]])).abs().round().item()
        5.0
    """

    mean: Tensor
    components: Tensor

    @classmethod
    def fit(cls, x: Tensor, num_features: int = NUM_FEATURES, *, seed: int = 0) -> PrincipalComponents:
        """From examples (N, *event)."""
        x = x.flatten(1).cpu().double()
        mean = x.mean(0)
        centred = x - mean
        num = min(num_features, x.shape[1], max(len(x) - 1, 1))
        if x.shape[1] <= EXACT_SIZE:
            components = torch.linalg.eigh(centred.T @ centred).eigenvectors[:, -num:].flip(-1)
        else:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                # More directions than asked for, or the last of them are poor (Halko et al., 2011).
                wider = min(num + 16, *centred.shape)
                components = torch.svd_lowrank(centred, q=wider, niter=4)[2][:, :num]
        return cls(mean, components)

    def __call__(self, x: Tensor) -> Tensor:
        """Features (N, F) of examples (N, *event), float64."""
        return (x.flatten(1).cpu().double() - self.mean) @ self.components


def frechet_distance(a: Tensor, b: Tensor) -> float:
    """Squared Fréchet distance between Gaussians fitted to two sets of features, (N, F) and (M, F).

    |m_a - m_b|^2 + tr(S_a + S_b - 2 (S_a S_b)^(1/2)). Dowson and Landau, 1982; Heusel et al., "GANs Trained
    by a Two Time-Scale Update Rule", 2017. It falls with the number of samples: compare numbers from equally
    many only.

    Example:
        >>> a = torch.tensor([[-1.0], [1.0]])
        >>> frechet_distance(a, a + 3.0)
        9.0
    """
    mean_a, cov_a = _moments(a)
    mean_b, cov_b = _moments(b)
    values, vectors = torch.linalg.eigh(cov_a)
    root = vectors * values.clamp(min=0).sqrt() @ vectors.T
    cross = torch.linalg.eigvalsh(root @ cov_b @ root).clamp(min=0).sqrt().sum()
    distance = (mean_a - mean_b).square().sum() + cov_a.trace() + cov_b.trace() - 2 * cross
    return max(float(distance), 0.0)


def frechet_error(a: Tensor, b: Tensor, groups: int = GROUPS) -> float:
    """Standard error of `frechet_distance`, by leaving out a tenth of both sides at a time. Tukey, 1958.

    NaN for fewer than four examples on a side.
    """
    groups = min(groups, len(a) // 2, len(b) // 2)
    if groups < 2:
        return math.nan
    left_out = torch.tensor(
        [frechet_distance(*(x[torch.arange(len(x)) % groups != g] for x in (a, b))) for g in range(groups)],
        dtype=torch.float64,
    )
    return float(((groups - 1) / groups * (left_out - left_out.mean()).square().sum()).sqrt())


def frechet_pca64(
    model: Model,
    part: Part,
    reference: Part,
    *,
    num_samples: int = 5000,
    seed: int = 0,
    batch_size: int = 250,
) -> dict[str, Any]:
    """How far the model's new samples are from held-out data: Fréchet distance on 64 principal components.

    This is not the Inception FID and compares with none: its features are linear, fitted to `reference`.
    Samples are means of p(x|z) for z from the prior; for binary data they are draws, because means are not
    binary.

    Args:
        model: any model; its prior is sampled.
        part: held-out data to compare with.
        reference: the training part, on which the features are fitted.
        num_samples: samples, and at most as many held-out examples; below 5000 the distance is biased
            upwards.
        seed: of the samples and of the subsets.
        batch_size: samples at a time.

    Returns:
        `frechet_pca64`, its `_se` and `_interval`; `frechet_pca64_data`, the same distance for training data: the
        floor of what a perfect model would get; `frechet_features` and `frechet_num_samples`.

    Raises:
        UserError: fewer than two examples.
    """
    if min(len(part), len(reference), num_samples) < 2:
        raise UserError("A Fréchet distance needs at least two examples on either side.")
    with evaluating(model, seed):
        fitted_on = gather(reference, NUM_FIT, seed)
        features = PrincipalComponents.fit(fitted_on, seed=seed)
        data = features(gather(part, num_samples, seed))
        torch.manual_seed(seed)
        drawn = []
        for start in range(0, num_samples, batch_size):
            num = min(batch_size, num_samples - start)
            drawn.append(features(model.sample(num, mean=not part.schema.is_binary).cpu()))
        floor = frechet_distance(features(gather(reference, num_samples, seed + 1)), data)
        order = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed))
        new, data = torch.cat(drawn), data[order]
    return {
        **with_interval("frechet_pca64", frechet_distance(new, data), frechet_error(new, data)),
        "frechet_pca64_data": floor,
        "frechet_features": features.components.shape[1],
        "frechet_num_samples": num_samples,
    }


def gather(part: Part, limit: int, seed: int) -> Tensor:
    """Up to `limit` random examples of a part as the model sees them, (N, *event), on the CPU."""
    return torch.cat([x for x, _ in subset(part, limit, seed).batches(1024)]).cpu()


def _moments(features: Tensor) -> tuple[Tensor, Tensor]:
    """Mean (F,) and covariance (F, F), float64."""
    features = features.double()
    mean = features.mean(0)
    centred = features - mean
    return mean, centred.T @ centred / max(len(features) - 1, 1)
