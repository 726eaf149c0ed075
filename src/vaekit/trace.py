"""Trace: what one pass of a model over a batch returns, and everything that follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, Independent, kl_divergence

__all__ = ["Draw", "Layer", "Trace", "at_random"]

Draw = Callable[[Distribution, Size], Tensor]
"""How a latent is taken from its posterior: given q(z|x) and a sample shape, z of shape (*sample, *batch, *event)."""


def at_random(qz: Distribution, sample_shape: Size) -> Tensor:
    """A random draw that carries the gradient: how every model takes its latents unless it is told otherwise."""
    return qz.rsample(sample_shape)


@dataclass
class Layer:
    """One latent layer: a draw and the two distributions that it is judged by.

    Shapes: K samples, B batch. `z` is (K, B, *latent). `qz` and `pz` have batch shape (B,) or (K, B); an
    unconditional prior has batch shape ().
    """

    z: Tensor
    qz: Distribution
    pz: Distribution

    @property
    def log_qz(self) -> Tensor:
        """log q(z|x) of the draw, (K, B)."""
        return self.qz.log_prob(self.z)

    @property
    def log_pz(self) -> Tensor:
        """log p(z) of the draw, (K, B)."""
        return self.pz.log_prob(self.z)

    @property
    def kl(self) -> Tensor:
        """KL(q(z|x) || p(z)) per example in nats, (B,)."""
        return self.kl_per_dimension.flatten(1).sum(-1)

    @property
    def kl_per_dimension(self) -> Tensor:
        """KL of each latent dimension, (B, D), where both sides factorize; else (B, 1) with the whole.

        In closed form where torch.distributions knows it; elsewhere the draws' mean of log q - log p.
        """
        num_batch = self.z.shape[1]
        q, p = self.qz, self.pz
        of_draws = max(len(q.batch_shape), len(p.batch_shape)) == 2
        while isinstance(q, Independent) and isinstance(p, Independent):
            q, p = q.base_dist, p.base_dist
        try:
            kl = kl_divergence(q, p)
        except NotImplementedError:
            return (self.log_qz - self.log_pz).mean(0).unsqueeze(-1)
        if of_draws:  # one side depends on a draw from the layer above
            kl = kl.mean(0)
        return kl.expand(num_batch, *kl.shape[1:]).reshape(num_batch, -1)

    @property
    def penalty(self) -> Tensor | None:
        """What the posterior asks to be added to the loss, (B,): a codebook's commitment, for example."""
        return getattr(self.qz, "penalty", None)


@dataclass
class Trace:
    """One pass over a batch: the data, the latent layers from the top down, and p(x|z).

    Shapes: `x` (B, *event); `px` has batch shape (K, B).
    """

    x: Tensor
    layers: list[Layer]
    px: Distribution
    y: Tensor | None = field(default=None)
    _log_px: Tensor | None = field(default=None, init=False, repr=False)

    @property
    def log_px(self) -> Tensor:
        """log p(x|z), (K, B), in nats; kept, since it is asked for often and costs the most."""
        if self._log_px is None:
            self._log_px = self.px.log_prob(self.x)
        return self._log_px

    @property
    def kl(self) -> Tensor:
        """The rate: the KL of all layers together, (B,)."""
        return torch.stack([layer.kl for layer in self.layers]).sum(0)

    @property
    def log_w(self) -> Tensor:
        """Importance weights log p(x, z) - log q(z|x), (K, B)."""
        log_w = self.log_px
        for layer in self.layers:
            log_w = log_w + layer.log_pz - layer.log_qz
        return log_w

    @property
    def penalty(self) -> Tensor | None:
        """Sum of the layers' penalties, (B,), or None where no layer asks for one."""
        # Two steps: torch.compile does not trace an assignment inside a comprehension.
        penalties = [p for p in [layer.penalty for layer in self.layers] if p is not None]
        return torch.stack(penalties).sum(0) if penalties else None
