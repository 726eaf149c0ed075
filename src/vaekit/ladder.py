"""LadderVAE: a deep top-down hierarchy of latent maps, for images."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Size, Tensor, nn
from torch.distributions import Distribution, Independent

from vaekit.conditional import Likelihood
from vaekit.distributions.chain import Chain
from vaekit.distributions.diagonal import diagonal
from vaekit.errors import UserError
from vaekit.model import Model, at_temperature, check_role
from vaekit.nets.ladder import LadderBlock, LadderEncoder
from vaekit.nets.net import full_precision
from vaekit.trace import Draw, Layer, Trace, at_random

if TYPE_CHECKING:
    import numpy as np

__all__ = ["LadderVAE"]


class LadderVAE(Model):
    """q(z_1..z_L|x) = prod q(z_l|z_<l, x) against p(z_1..z_L) = prod p(z_l|z_<l), from the coarsest map to the finest.

    Sonderby et al., "Ladder Variational Autoencoders", 2016; Kingma et al., 2016; Child, "Very Deep VAEs Generalize
    Autoregressive Models", 2021. A state runs from the top down; each layer reads it for its prior, reads the
    bottom-up features of its size for its posterior, and adds its draw to it. `encode`, `decode`, `embed` and `sample`
    use all layers flattened and concatenated from the top down.

    Args:
        encoder: the bottom-up half.
        likelihood: p(x|z), its network taking the last state, (width, h, w) of the finest size.
        num_layers: latent layers at each of the encoder's sizes, finest first; 0 for none.
        latent: channels of each z.

    Raises:
        UserError: the parts do not fit each other.
    """

    def __init__(
        self, encoder: LadderEncoder, likelihood: Likelihood, *, num_layers: Sequence[int], latent: int = 8
    ) -> None:
        super().__init__()
        check_role("encoder", encoder, LadderEncoder)
        check_role("likelihood", likelihood, Likelihood)
        width, sizes = encoder.width, encoder.sizes
        if len(num_layers) != len(sizes) or sum(num_layers) < 1:
            raise UserError(
                f"num_layers needs one number for each of the encoder's {len(sizes)} sizes, and at least one "
                f"layer in all; {tuple(num_layers)} came."
            )
        if likelihood.context_shape != (width, *sizes[0]):
            raise UserError(
                f"The likelihood's network must take the last state, {(width, *sizes[0])}; it takes "
                f"{likelihood.context_shape}."
            )
        self.encoder, self.likelihood, self.condition = encoder, likelihood, encoder.condition
        self.levels = [level for level in range(len(sizes))[::-1] for _ in range(num_layers[level])]
        scale = 1 / math.sqrt(len(self.levels))
        self.blocks: Sequence[LadderBlock] = nn.ModuleList(  # type: ignore[assignment]
            LadderBlock(width, latent, sizes[level], scale=scale) for level in self.levels
        )
        self.top = nn.Parameter(torch.zeros(1, width, *sizes[-1]))
        self.label = nn.Linear(self.condition, width) if self.condition else None
        self.shapes = [(latent, *sizes[level]) for level in self.levels]
        self.sizes = [math.prod(shape) for shape in self.shapes]
        self.latent_shape = (sum(self.sizes),)

    def trace(
        self, x: Tensor, y: Tensor | None = None, *, num_samples: int = 1, draw: Draw = at_random
    ) -> Trace:
        num_batch = x.shape[0]
        features = [f.repeat(num_samples, *[1] * (f.ndim - 1)) for f in self.encoder(x, y)]
        walk = _Walk(self, num_samples * num_batch, y, (num_samples, num_batch))
        layers = []
        for i in range(len(self.blocks)):
            pz, qz = walk.prior(i), walk.posterior(i, features[self.levels[i]])
            z = draw(qz, Size())
            layers.append(Layer(z, qz, pz))
            walk.take(i, z)
        return Trace(x, layers, self.likelihood(walk.final(), None), y)

    def encode(self, x: Tensor | np.ndarray, y: Tensor | None = None) -> Chain:
        """q(z|x) over all layers, batch shape (B,), event shape (D,), D the layers' sizes together."""
        x = self.as_input(x)
        condition = self.condition_features(y, x)
        features = self.encoder(x, condition)

        def link(i: int, zs: list[Tensor]) -> Distribution:
            lead = zs[0].shape[:-1] if zs else Size([len(x)])
            walk = self._walked(i, zs, condition, lead)
            f = features[self.levels[i]]
            return walk.posterior(i, f.expand(*lead, *f.shape[1:]).reshape(-1, *f.shape[1:]), flat=True)

        links = [functools.partial(link, i) for i in range(len(self.blocks))]
        return Chain(links, self.sizes, Size([len(x)]))

    def decode(self, z: Tensor | np.ndarray, y: Tensor | None = None) -> Distribution:
        """p(x|z) for z of shape (..., D), the layers flattened and concatenated from the top down."""
        z = self._as_code(z)
        zs = list(z.split(self.sizes, -1))
        walk = self._walked(len(zs), zs, self.condition_features(y, z), z.shape[:-1])
        return self.likelihood(walk.final(), None)

    @torch.no_grad()
    def draw_prior(
        self, num_samples: int, y: Tensor | None = None, *, temperature: float = 1.0, draw: Draw | None = None
    ) -> Tensor:
        """Draws of z from the prior, (num_samples, D); the temperature scales the spread of every layer."""
        condition = self.condition_features(y, torch.empty(0, device=self.device, dtype=self.dtype))
        walk = _Walk(self, num_samples, condition, (num_samples,))
        draw, zs = draw or at_temperature(temperature), []
        for i in range(len(self.blocks)):
            z = draw(walk.prior(i), Size())
            walk.take(i, z)
            zs.append(z.flatten(1))
        return torch.cat(zs, -1)

    def log_prior(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(z_1) + log p(z_2|z_1) + ..., (..., B), for z (..., B, D), the layers from the top down."""
        zs = list(z.split(self.sizes, -1))
        walk = _Walk(self, math.prod(z.shape[:-1]), self.condition_features(y, z), z.shape[:-1])
        total = z.new_zeros(z.shape[:-1])
        for i, shape in enumerate(self.shapes):
            drawn = zs[i].reshape(*z.shape[:-1], *shape)
            total = total + walk.prior(i).log_prob(drawn)
            walk.take(i, drawn)
        return total

    def _walked(self, num_layers: int, zs: Sequence[Tensor], y: Tensor | None, lead: Size) -> _Walk:
        """The walk after the first layers took the given z, each (*lead, D_i)."""
        walk = _Walk(self, math.prod(lead), y, lead)
        for i in range(num_layers):
            walk.advance(i)
            walk.take(i, zs[i].reshape(*lead, *self.shapes[i]))
        return walk


class _Walk:
    """The way down: the state between layers, (N, width, h, w), N the product of the leading dimensions."""

    def __init__(self, model: LadderVAE, count: int, y: Tensor | None, lead: Sequence[int]) -> None:
        self.model, self.lead = model, tuple(lead)
        self.state = model.top.expand(count, -1, -1, -1)
        if model.label is not None and y is not None:
            label = model.label(y).expand(*self.lead, -1).reshape(count, -1)
            self.state = self.state + label[:, :, None, None]
        self.residual: Tensor | None = None

    def advance(self, i: int) -> Tensor:
        """Bring the state to the size of layer i and read its prior's parameters."""
        block = self.model.blocks[i]
        if self.state.shape[2:] != block.size:
            self.state = F.interpolate(self.state, size=block.size, mode="nearest")
        parameters, self.residual = block.prior_parameters(self.state)
        return parameters

    def prior(self, i: int) -> Independent:
        """p(z_i|z_<i)."""
        return self._gaussian(self.advance(i), i, flat=False)

    def posterior(self, i: int, features: Tensor, *, flat: bool = False) -> Independent:
        """q(z_i|z_<i, x); `flat` for an event of shape (D_i,)."""
        if self.residual is None:
            self.advance(i)
        return self._gaussian(self.model.blocks[i].posterior_parameters(self.state, features), i, flat=flat)

    def take(self, i: int, z: Tensor) -> None:
        """Add the draw of layer i, (*lead, C, h, w), to the state."""
        assert self.residual is not None
        self.state = self.model.blocks[i].next_state(
            self.state, self.residual, z.reshape(-1, *self.model.shapes[i])
        )
        self.residual = None

    def final(self) -> Tensor:
        """The state that the likelihood reads, (*lead, width, H, W)."""
        size = self.model.encoder.sizes[0]
        state = (
            self.state
            if self.state.shape[2:] == size
            else F.interpolate(self.state, size=size, mode="nearest")
        )
        return state.reshape(*self.lead, *state.shape[1:])

    def _gaussian(self, parameters: Tensor, i: int, *, flat: bool) -> Independent:
        shape = (self.model.sizes[i],) if flat else self.model.shapes[i]
        loc, logvar = full_precision(parameters).reshape(*self.lead, 2, *shape).movedim(len(self.lead), 0)
        return diagonal(loc, logvar, len(shape))
