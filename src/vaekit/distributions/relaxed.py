"""OneHot and Bits: discrete latents, drawn exactly or relaxed to carry a gradient."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Size, Tensor
from torch.distributions import Distribution, Independent, constraints
from torch.distributions.kl import register_kl
from torch.types import _size

from vaekit.errors import UserError


class OneHot(Distribution):
    """One of C categories as a one-hot vector. With a temperature T, draws are softmax((logits + Gumbel noise) / T);
    they carry a gradient, and as T falls they become one-hot (Jang et al., 2017; Maddison et al., 2017).

    `log_prob` is the mass at one-hot vectors, and its linear interpolation, z^T log p, between them.

    Args:
        logits: (*batch, C).
        temperature: of the draws; None for exact ones, without a gradient.
        hard: one-hot draws that carry the relaxed ones' gradient.
    """

    arg_constraints = {}  # noqa: RUF012
    support = constraints.simplex

    def __init__(self, logits: Tensor, temperature: float | None = None, *, hard: bool = False) -> None:
        self.log_masses, self.temperature, self.hard = logits.log_softmax(-1), temperature, hard
        self.has_rsample = True
        super().__init__(logits.shape[:-1], logits.shape[-1:], validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.log_masses.exp()

    @property
    def variance(self) -> Tensor:
        return self.mean * (1 - self.mean)

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        logits = self.log_masses.expand(self._extended_shape(Size(sample_shape)))
        if self.temperature is None:
            noise = -torch.empty_like(logits, memory_format=torch.contiguous_format).exponential_().log()
            return F.one_hot((logits + noise).argmax(-1), logits.shape[-1]).to(logits.dtype)
        return F.gumbel_softmax(logits, self.temperature, hard=self.hard)

    def log_prob(self, value: Tensor) -> Tensor:
        return (value * self.log_masses).sum(-1)


class Bits(Distribution):
    """0 or 1, elementwise. With a temperature, draws are sigmoid((logits + logistic noise) / T) (Maddison et al., "The
    Concrete Distribution", 2017). `log_prob` is the mass at 0 and 1, and its linear interpolation between them.

    Args:
        logits: (*batch,).
        temperature, hard: as of `OneHot`.
    """

    arg_constraints = {}  # noqa: RUF012
    support = constraints.unit_interval

    def __init__(self, logits: Tensor, temperature: float | None = None, *, hard: bool = False) -> None:
        self.logits, self.temperature, self.hard = logits, temperature, hard
        self.has_rsample = True
        super().__init__(logits.shape, validate_args=False)

    @property
    def mean(self) -> Tensor:
        return self.logits.sigmoid()

    @property
    def variance(self) -> Tensor:
        return self.mean * (1 - self.mean)

    def rsample(self, sample_shape: _size = ()) -> Tensor:
        logits = self.logits.expand(self._extended_shape(Size(sample_shape)))
        u = torch.rand_like(logits, memory_format=torch.contiguous_format)
        noise = u.clamp(min=1e-7, max=1 - 1e-7).logit()
        exact = (logits + noise > 0).to(logits.dtype)
        if self.temperature is None:
            return exact
        soft = ((logits + noise) / self.temperature).sigmoid()
        return soft + (exact - soft).detach() if self.hard else soft

    def log_prob(self, value: Tensor) -> Tensor:
        return value * F.logsigmoid(self.logits) + (1 - value) * F.logsigmoid(-self.logits)


class Uniform(Independent):
    """A uniform prior of discrete latents."""

    def tempered(self, temperature: float) -> Distribution:
        raise UserError("Every discrete code is equally likely, so a temperature has nothing to scale.")


@register_kl(OneHot, OneHot)
def _kl_one_hot(q: OneHot, p: OneHot) -> Tensor:
    """Of the discrete distributions, whatever the temperatures."""
    return (q.mean * (q.log_masses - p.log_masses)).sum(-1)


@register_kl(Bits, Bits)
def _kl_bits(q: Bits, p: Bits) -> Tensor:
    on = F.logsigmoid(q.logits) - F.logsigmoid(p.logits)
    off = F.logsigmoid(-q.logits) - F.logsigmoid(-p.logits)
    return q.mean * on + (1 - q.mean) * off
