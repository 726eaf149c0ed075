"""GumbelSoftmax and RelaxedBernoulli: discrete posteriors whose draws carry gradients."""

from __future__ import annotations

import math

from torch import Tensor
from torch.distributions import Independent

from vaekit.conditional import Posterior
from vaekit.distributions.relaxed import Bits, OneHot
from vaekit.errors import UserError
from vaekit.nets.net import Head, Net, as_shape


class GumbelSoftmax(Posterior):
    """q(z|x): D categorical latents. Jang et al., "Categorical Reparameterization with Gumbel-Softmax", 2017.

    In training draws are relaxed to carry a gradient, and the KL is that of the discrete distributions; in evaluation
    draws are one-hot and every figure is that of the discrete model. Its prior is `UniformCategorical`.

    Args:
        net: the encoder network, taking x.
        latent: number of categorical latents D; z has shape (D, num_categories).
        num_categories: categories of each.
        temperature: of the relaxation; low ones are nearly discrete and give noisy gradients.
        hard: decode one-hot draws in training too, with the relaxed draws' gradient.

    Raises:
        UserError: fewer than 2 categories, or a temperature that is not above 0.
    """

    support = "categories"

    def __init__(
        self,
        net: Net,
        latent: int,
        num_categories: int = 10,
        *,
        temperature: float = 0.67,
        hard: bool = False,
    ) -> None:
        super().__init__()
        if num_categories < 2:
            raise UserError(f"GumbelSoftmax takes num_categories of at least 2; {num_categories} came.")
        require_temperature("GumbelSoftmax", temperature)
        self.net, self.temperature, self.hard = net, temperature, hard
        self.event_shape, self.condition = as_shape((latent, num_categories)), net.condition
        self.head = Head(net.out_shape, self.event_shape, 1)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Independent:
        assert context is not None
        (logits,) = self.head(self.net(context, condition))
        temperature = self.temperature if self.training else None
        return Independent(OneHot(logits, temperature, hard=self.hard), 1, validate_args=False)


class RelaxedBernoulli(Posterior):
    """q(z|x): D binary latents. Maddison et al., "The Concrete Distribution", 2017. Relaxed in training and exact in
    evaluation, as `GumbelSoftmax`; its prior is `UniformBinary`.

    Args:
        net: the encoder network, taking x.
        latent: number of binary latents D.
        temperature, hard: as of `GumbelSoftmax`.

    Raises:
        UserError: a latent size below 1, or a temperature that is not above 0.
    """

    support = "bits"

    def __init__(self, net: Net, latent: int, *, temperature: float = 0.67, hard: bool = False) -> None:
        super().__init__()
        require_temperature("RelaxedBernoulli", temperature)
        self.net, self.temperature, self.hard = net, temperature, hard
        self.event_shape, self.condition = as_shape(latent), net.condition
        self.head = Head(net.out_shape, self.event_shape, 1)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Independent:
        assert context is not None
        (logits,) = self.head(self.net(context, condition))
        temperature = self.temperature if self.training else None
        return Independent(
            Bits(logits, temperature, hard=self.hard), len(self.event_shape), validate_args=False
        )


def require_temperature(owner: str, temperature: float) -> None:
    """Refuse a temperature that gives no draws.

    Raises:
        UserError: it is not above 0.
    """
    if not 0 < temperature < math.inf:
        raise UserError(f"{owner} takes a temperature above 0; {temperature} came.")
