"""Rate and distortion: the two halves of the ELBO, whole, by layer and by latent dimension."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from vaekit.trace import Trace


class RateDistortion:
    """Averages traces of the same batch. Alemi et al., "Fixing a Broken ELBO", 2018.

    distortion D = -E_q[log p(x|z)], rate R = KL(q(z|x) || p(z)), ELBO = -(D + R), all in nats.

    Args:
        with_rate: False for a deterministic posterior, which has no KL.
    """

    def __init__(self, *, with_rate: bool = True) -> None:
        self.with_rate = with_rate
        self.num_samples = 0
        self._distortion: Tensor | float = 0.0
        self._kls: list[Tensor] = []

    def add(self, trace: Trace) -> None:
        """Take in a trace of K more draws."""
        num_samples = len(trace.layers[0].z)
        self.num_samples += num_samples
        self._distortion = self._distortion - trace.log_px.cpu().double().sum(0)
        if self.with_rate:
            kls = [num_samples * layer.kl_per_dimension.cpu().double() for layer in trace.layers]
            self._kls = [a + b for a, b in zip(self._kls, kls)] if self._kls else kls

    @property
    def distortion(self) -> Tensor:
        """-E_q[log p(x|z)] of each example, (B,)."""
        assert isinstance(self._distortion, Tensor)
        return self._distortion / self.num_samples

    @property
    def rate_per_dimension(self) -> list[Tensor]:
        """KL of each dimension, (B, D) for each layer from the top down."""
        return [kl / self.num_samples for kl in self._kls]

    @property
    def rate_per_layer(self) -> Tensor:
        """KL of each layer, (L, B)."""
        return torch.stack([kl.sum(-1) for kl in self.rate_per_dimension])

    @property
    def rate(self) -> Tensor:
        """KL of all layers together, (B,)."""
        return self.rate_per_layer.sum(0)

    @property
    def elbo(self) -> Tensor:
        """-(distortion + rate) of each example, (B,)."""
        return -(self.distortion + self.rate)
