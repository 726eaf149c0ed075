"""VampPrior: the mixture of the posterior at learned pseudo-inputs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from vaekit.conditional import Posterior, Prior
from vaekit.distributions.mixture import Mixture
from vaekit.errors import UserError, did_you_mean
from vaekit.nets.net import as_shape

STARTS = ("data", "noise")
# Pseudo-inputs start this far inside the range, as a share of it: at its ends the clamp has no gradient outwards.
MARGIN = 0.01


class VampPrior(Prior):
    """p(z) = 1/C sum_k q(z|u_k), the posterior itself at C pseudo-inputs u_k that are trained with the model.

    Tomczak and Welling, "VAE with a VampPrior", 2018. Pass the model's own posterior; the two share its weights.

    Args:
        posterior: the model's posterior; of a hierarchy, that of the top layer.
        num_components: number of pseudo-inputs C.
        in_shape: shape of one x.
        low, high: range of x, which the pseudo-inputs are clamped to; None where unbounded.
        start: "data", C training examples, or "noise" around the middle of the range, as in the paper.

    Raises:
        UserError: a posterior without a density, an unknown start, or no component.
    """

    def __init__(
        self,
        posterior: Posterior,
        num_components: int = 500,
        *,
        in_shape: int | Sequence[int],
        low: float | None = None,
        high: float | None = None,
        start: str = "data",
    ) -> None:
        super().__init__()
        if not posterior.is_density or not posterior.is_exact or posterior.support == "codes":
            raise UserError(
                f"VampPrior mixes densities q(z|u), and {type(posterior).__name__} has none; use DiagonalGaussian."
            )
        if start not in STARTS:
            raise UserError(f'VampPrior has no start "{start}". {did_you_mean(start, STARTS)}')
        if num_components < 1:
            raise UserError(f"VampPrior takes num_components of at least 1; {num_components} came.")
        self.posterior, self.num_components, self.start = posterior, num_components, start
        self.low, self.high = low, high
        self.event_shape, self.condition, self.support = (
            posterior.event_shape,
            posterior.condition,
            posterior.support,
        )
        bounded = low is not None and high is not None
        middle, width = ((low + high) / 2, high - low) if bounded else (0.0, 1.0)  # type: ignore[operator]
        noise = 0.1 * width * torch.randn(num_components, *as_shape(in_shape))
        self.inputs = nn.Parameter((middle + noise).clamp(low, high) if bounded else noise)
        self._cached: tuple[object, Mixture] | None = None

    def check(self, posterior: Posterior) -> None:
        if posterior is not self.posterior:
            raise UserError(
                "VampPrior is made of the model's own posterior, and this one was given another; build the posterior "
                "once and pass it to both."
            )

    @property
    def pseudo_inputs(self) -> Tensor:
        """(C, *in_shape), in the data's range."""
        if self.low is None and self.high is None:
            return self.inputs
        return self.inputs.clamp(self.low, self.high)

    @torch.no_grad()
    def initialize(self, x: Tensor) -> None:
        """Start from training examples (N, *in_shape), drawn at random; again and again where they are too few."""
        if self.start != "data":
            return
        order = torch.randperm(len(x), device=x.device)
        chosen = x[order[torch.arange(self.num_components, device=x.device) % len(x)]].to(self.inputs)
        if self.low is not None and self.high is not None:
            chosen = self.low + MARGIN * (self.high - self.low) + (1 - 2 * MARGIN) * (chosen - self.low)
        self.inputs.copy_(chosen)

    def forward(self, context: Tensor | None = None, condition: Tensor | None = None) -> Mixture:
        if self.condition or self.training or torch.is_grad_enabled():
            self._cached = None
            return self._mixture(condition)
        # Measuring asks for the same mixture thousands of times; any change of a weight makes a new one.
        key = [(p._version, p.data_ptr(), p.dtype) for p in self.parameters() if not p.is_inference()]
        if self._cached is None or self._cached[0] != key:
            self._cached = (key, self._mixture(None))
        return self._cached[1]

    def _mixture(self, condition: Tensor | None) -> Mixture:
        inputs = self.pseudo_inputs
        if not self.condition:
            condition = None
        elif condition is None:
            raise UserError(f"VampPrior was built for a condition of {self.condition} features; none came.")
        components = self.posterior(inputs, None if condition is None else condition.unsqueeze(-2))

        def pick(index: Tensor) -> Distribution:
            return self.posterior(inputs[index], condition)

        return Mixture(inputs.new_zeros(components.batch_shape), components, pick)
