"""HierarchicalVAE: several latent layers, drawn from the top down."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Size, Tensor, nn

from vaekit.conditional import Likelihood, Posterior, Prior
from vaekit.distributions.chain import Chain
from vaekit.errors import UserError
from vaekit.model import Model, at_temperature, check_role, prior_given
from vaekit.trace import Draw, Layer, Trace, at_random

if TYPE_CHECKING:
    import numpy as np

__all__ = ["HierarchicalVAE"]


class HierarchicalVAE(Model):
    """q(z_L|x) ... q(z_1|x, z_>1) against p(z_L) ... p(z_1|z_2), and p(x|z). Lists go from the top layer down.

    Sonderby et al., "Ladder Variational Autoencoders", 2016; the two-layer form with p(x|z_1, z_2) is that of Tomczak
    and Welling, "VAE with a VampPrior", 2018. `encode`, `decode`, `embed` and `sample` use the layers' vectors
    concatenated from the top down.

    Args:
        posteriors: q of each layer; a lower one takes the layers above (all of them, then the class) as its condition.
        priors: p of each layer; a lower one takes the layer above as its context.
        likelihood: p(x|z), its network taking the lowest layer, or all layers concatenated.

    Raises:
        UserError: the parts do not fit each other.
    """

    def __init__(
        self, posteriors: Sequence[Posterior], priors: Sequence[Prior], likelihood: Likelihood
    ) -> None:
        super().__init__()
        if len(posteriors) != len(priors) or len(posteriors) < 2:
            raise UserError(
                f"A hierarchy needs as many posteriors as priors, at least 2; {len(posteriors)} and "
                f"{len(priors)} came. For one layer use VAE."
            )
        check_role("likelihood", likelihood, Likelihood)
        for posterior, prior in zip(posteriors, priors, strict=True):
            check_role("posterior", posterior, Posterior)
            check_role("prior", prior, Prior)
            if posterior.event_shape != prior.event_shape or len(posterior.event_shape) != 1:
                raise UserError(
                    f"Each layer needs vectors of one size; a posterior has {posterior.event_shape} and its "
                    f"prior {prior.event_shape}."
                )
            prior.check(posterior)
            posterior.check(prior, None)
        self.posteriors: Sequence[Posterior] = nn.ModuleList(posteriors)  # type: ignore[assignment]
        self.priors: Sequence[Prior] = nn.ModuleList(priors)  # type: ignore[assignment]
        self.likelihood = likelihood
        self.sizes = [posterior.event_shape[0] for posterior in posteriors]
        self.latent_shape = (sum(self.sizes),)
        self.is_density = all(posterior.is_density for posterior in posteriors)
        for i, prior in enumerate(priors[1:], start=1):
            if prior.context_shape != (self.sizes[i - 1],):
                raise UserError(
                    f"The prior of layer {i + 1} from the top must take the layer above, ({self.sizes[i - 1]},); "
                    f"it takes {prior.context_shape}."
                )
        self.condition = self._class_condition()
        self.readings = [self._reading(i) for i in range(len(self.sizes))]
        self.reads_all = likelihood.context_shape == self.latent_shape
        if not self.reads_all and likelihood.context_shape != (self.sizes[-1],):
            raise UserError(
                f"The likelihood's network takes z of shape {likelihood.context_shape}; expected the lowest "
                f"layer ({self.sizes[-1]},) or all layers {self.latent_shape}."
            )

    def _class_condition(self) -> int:
        """Width of the class features that likelihood, priors and top posterior take; 0 without classes."""
        top = self.priors[0]
        stated = [
            self.likelihood.condition,
            self.posteriors[0].condition,
            *(prior.condition for prior in self.priors),
        ]
        stated.append(math.prod(top.context_shape) if top.context_shape else 0)
        widths = {width for width in stated if width}
        if len(widths) > 1:
            raise UserError(
                f"The parts take classes of different widths: {sorted(widths)}. Give them all the same condition."
            )
        return next(iter(widths), 0)

    def _reading(self, i: int) -> tuple[bool, bool]:
        """Whether the posterior of layer i takes the layers above it, and whether it takes the class."""
        above, width = sum(self.sizes[:i]), self.posteriors[i].condition
        classes = self.condition or width - above  # classes that only this posterior knows of
        choices = {
            0: (False, False),
            classes: (False, True),
            above + classes: (True, True),
            above: (i > 0, False),
        }
        if width not in choices or classes < 0:
            raise UserError(
                f"The posterior of layer {i + 1} from the top has a condition of {width} features; expected "
                f"{above} for the layers above it, and {self.condition} more for the classes where it takes them."
            )
        return choices[width] if width else (False, False)

    def trace(
        self, x: Tensor, y: Tensor | None = None, *, num_samples: int = 1, draw: Draw = at_random
    ) -> Trace:
        zs: list[Tensor] = []
        layers: list[Layer] = []
        for i in range(len(self.sizes)):
            qz, pz = self._posterior(i, x, zs, y), self._prior(i, zs, y)
            z = draw(qz, Size([num_samples] if len(qz.batch_shape) == 1 else []))
            layers.append(Layer(z, qz, pz))
            zs.append(z)
        return Trace(x, layers, self._likelihood(zs, y), y)

    def encode(self, x: Tensor | np.ndarray, y: Tensor | None = None) -> Chain:
        """q(z|x) over all layers, batch shape (B,), event shape (D,), D their sizes' sum."""
        x = self.as_input(x)
        features = self.condition_features(y, x)
        links = [lambda zs, i=i: self._posterior(i, x, zs, features) for i in range(len(self.sizes))]
        return Chain(links, self.sizes, Size([len(x)]))

    def decode(self, z: Tensor | np.ndarray, y: Tensor | None = None) -> torch.distributions.Distribution:
        """p(x|z) for z of shape (..., D), the layers concatenated from the top down."""
        z = self._as_code(z)
        return self._likelihood(list(z.split(self.sizes, -1)), self.condition_features(y, z))

    @torch.no_grad()
    def draw_prior(
        self, num_samples: int, y: Tensor | None = None, *, temperature: float = 1.0, draw: Draw | None = None
    ) -> Tensor:
        """Draws of z from the prior, (num_samples, D); the temperature scales the spread of every layer."""
        features = self.condition_features(y, torch.empty(0, device=self.device, dtype=self.dtype))
        draw = draw or at_temperature(temperature)
        zs: list[Tensor] = []
        for i in range(len(self.sizes)):
            pz = self._prior(i, zs, features)
            zs.append(draw(pz, Size(() if pz.batch_shape else (num_samples,))))
        return torch.cat(zs, -1)

    def log_prior(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(z_L) + ... + log p(z_1|z_2), (..., B), for z (..., B, D), the layers from the top down."""
        features, zs = self.condition_features(y, z), list(z.split(self.sizes, -1))
        return sum(
            (self._prior(i, zs[:i], features).log_prob(zs[i]) for i in range(len(zs))), z.new_zeros(())
        )

    def _posterior(
        self, i: int, x: Tensor, zs: list[Tensor], y: Tensor | None
    ) -> torch.distributions.Distribution:
        takes_above, takes_class = self.readings[i]
        given = [*(zs if takes_above else []), y if takes_class else None]
        return self.posteriors[i](x, join(given) if takes_above or takes_class else None)

    def _prior(self, i: int, zs: list[Tensor], y: Tensor | None) -> torch.distributions.Distribution:
        prior = self.priors[i]
        return prior_given(prior, y) if i == 0 else prior(zs[-1], y if prior.condition else None)

    def _likelihood(self, zs: list[Tensor], y: Tensor | None) -> torch.distributions.Distribution:
        return self.likelihood(
            torch.cat(zs, -1) if self.reads_all else zs[-1], y if self.likelihood.condition else None
        )


def join(parts: Sequence[Tensor | None]) -> Tensor:
    """Concatenate features whose leading dimensions broadcast, leaving out None."""
    given = [part for part in parts if part is not None]
    lead = torch.broadcast_shapes(*(part.shape[:-1] for part in given))
    return torch.cat([part.expand(*lead, part.shape[-1]) for part in given], -1)
