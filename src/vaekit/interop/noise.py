"""Given and Kept: draws that are made of given noise, so that a model is a plain function of its inputs."""

from __future__ import annotations

import math

from torch import Size, Tensor
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from vaekit.distributions.flow import Flow
from vaekit.distributions.shaped import Shaped, center

__all__ = ["Given", "Kept", "is_reparameterized", "moved"]


def is_reparameterized(q: Distribution) -> bool:
    """Whether a draw is a smooth map of Gaussian noise that `moved` knows."""
    if isinstance(q, Shaped | Flow):
        return is_reparameterized(q.base)
    return isinstance(q, MultivariateNormal) or (
        isinstance(q, Independent) and isinstance(q.base_dist, Normal)
    )


def moved(q: Distribution, eps: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
    """The draw of q that noise eps (..., D) makes, with q's mean and spread, flattened to vectors.

    A distribution that is no map of noise gives its centre. The spread is None where it has no closed form.
    """
    if isinstance(q, Shaped):
        return moved(q.base, eps)
    if isinstance(q, Flow):
        u, _, _ = moved(q.base, eps)
        return q.image(u), center(q), None
    if isinstance(q, MultivariateNormal):
        z = q.loc + (q.scale_tril @ eps.unsqueeze(-1)).squeeze(-1)
        return z, q.loc, q.scale_tril.square().sum(-1).sqrt()
    mean = center(q).flatten(len(q.batch_shape))
    if not is_reparameterized(q):
        return mean, mean, None
    std = q.stddev.flatten(len(q.batch_shape))
    return mean + std * eps, mean, std


class Given:
    """A `Draw` from given noise that keeps what it drew from.

    Args:
        eps: (B, D) standard normal noise of all layers, from the top down.
    """

    def __init__(self, eps: Tensor) -> None:
        self.eps, self.place, self.is_used = eps, 0, False
        self.zs: list[Tensor] = []
        self.means: list[Tensor] = []
        self.stds: list[Tensor | None] = []

    def __call__(self, qz: Distribution, sample_shape: Size) -> Tensor:
        size = math.prod(qz.event_shape)
        eps = self.eps[:, self.place : self.place + size].expand(*sample_shape, *qz.batch_shape, size)
        self.place += size
        self.is_used |= is_reparameterized(qz)
        z, mean, std = moved(qz, eps)
        self.zs.append(z.reshape(-1, size))
        self.means.append(mean.reshape(-1, size))
        self.stds.append(None if std is None else std.reshape(-1, size))
        # The very tensor where the shape is right: a flow knows its last draw by it.
        shape = (*sample_shape, *qz.batch_shape, *qz.event_shape)
        return z if z.shape == shape else z.reshape(shape)


class Kept:
    """A `Draw` from a prior that holds some dimensions where they are: z = keep z + (1 - keep) (mean + std eps).

    Args:
        z, eps, keep: (B, D) of all layers, from the top down; `keep` is 0 or 1.
    """

    def __init__(self, z: Tensor, eps: Tensor, keep: Tensor) -> None:
        self.given, self.place, self.is_possible = (z, eps, keep), 0, True

    def __call__(self, pz: Distribution, sample_shape: Size) -> Tensor:
        size = math.prod(pz.event_shape)
        z, eps, keep = (v[:, self.place : self.place + size] for v in self.given)
        self.place += size
        self.is_possible &= is_reparameterized(pz)
        return (keep * z + (1 - keep) * moved(pz, eps)[0]).reshape(-1, *pz.event_shape)
