"""Corrupted: a posterior that sees noisy data in training, so that the model learns to remove the noise."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

from vaekit.conditional import Likelihood, Posterior, Prior
from vaekit.errors import UserError, did_you_mean

KINDS = ("gaussian", "mask", "binary")


class Corrupted(Posterior):
    """q(z|x + noise) in training, q(z|x) in evaluation; the likelihood is of the clean x either way.

    Vincent et al., "Extracting and Composing Robust Features with Denoising Autoencoders", 2008; Im et al., "Denoising
    Criterion for Variational Auto-Encoding Framework", 2017.

    Args:
        posterior: any posterior.
        noise: spread of the Gaussian noise, or share of the values that are masked or flipped.
        kind: "gaussian" adds noise, "mask" sets values to 0, "binary" turns x into 1 - x.

    Raises:
        UserError: an unknown kind, a noise out of range, or a posterior that is corrupted already.
    """

    def __init__(self, posterior: Posterior, noise: float = 0.3, kind: str = "gaussian") -> None:
        super().__init__()
        if isinstance(posterior, Corrupted):
            raise UserError("The posterior is Corrupted already; give one of them all the noise.")
        if not isinstance(posterior, Posterior):
            raise UserError(f"Corrupted wraps a vaekit Posterior; a {type(posterior).__name__} came.")
        if kind not in KINDS:
            raise UserError(f'Corrupted has no kind "{kind}". {did_you_mean(kind, KINDS)}')
        if not 0 <= noise < (math.inf if kind == "gaussian" else 1 + 1e-9):
            raise UserError(
                f"Corrupted takes noise of at least 0, a share of at most 1 for {kind}; {noise} came."
            )
        self.posterior, self.noise, self.kind = posterior, noise, kind
        self.event_shape, self.condition = posterior.event_shape, posterior.condition
        self.is_density, self.is_exact, self.support = posterior.is_density, posterior.is_exact, posterior.support

    def check(self, prior: Prior, likelihood: Likelihood | None) -> None:
        self.posterior.check(prior, likelihood)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Distribution:
        assert context is not None
        return self.posterior(self.corrupt(context) if self.training else context, condition)

    def corrupt(self, x: Tensor) -> Tensor:
        """x with noise of its kind."""
        if self.kind == "gaussian":
            return x + self.noise * torch.randn_like(x)
        hit = torch.rand_like(x) < self.noise
        return torch.where(hit, 1 - x if self.kind == "binary" else torch.zeros_like(x), x)

    @property
    def codebook(self) -> Any:
        """Of a quantized posterior; None of any other."""
        return getattr(self.posterior, "codebook", None)

    @property
    def curvature(self) -> Any:
        """Of a posterior on a ball; None of any other."""
        return getattr(self.posterior, "curvature", None)

    @property
    def grid(self) -> Any:
        """Of a quantized posterior; None of any other."""
        return getattr(self.posterior, "grid", None)
