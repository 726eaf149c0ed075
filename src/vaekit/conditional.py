"""Conditional: the one contract. A posterior, a prior or a likelihood maps a context to a distribution."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor
from torch.distributions import Distribution

from vaekit.component import Component
from vaekit.schema import Schema

__all__ = ["Conditional", "Likelihood", "Posterior", "Prior"]


class Conditional(Component):
    """`forward(context, condition)` returns a `torch.distributions.Distribution` over one event.

    Shapes: K samples, B batch. The context has leading dimensions (B,) or (K, B); the distribution's batch shape is
    the same. `condition` is (B, F) or (K, B, F), label features or latents from above, for parts whose `condition`
    width F is not 0.
    """

    event_shape: tuple[int, ...]
    """Shape of one draw."""
    condition: int = 0
    """Number of condition features that this part takes; 0 for none."""

    @abstractmethod
    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Distribution: ...


class Posterior(Conditional):
    """q(z|x): the context is x."""

    is_density: bool = True
    """Whether log q(z|x) exists; a deterministic code has none, and objectives that need it refuse it."""


class Prior(Conditional):
    """p(z): the context is None at the top of a model, the latent above elsewhere."""

    context_shape: tuple[int, ...] | None = None
    """Shape of the context that this prior needs, None for a prior that needs none."""


class Likelihood(Conditional):
    """p(x|z): the context is z."""

    context_shape: tuple[int, ...]
    """Shape of the z that this likelihood takes."""

    def check(self, schema: Schema) -> None:
        """Refuse data that this distribution gives no probability to.

        Raises:
            UserError: in one sentence, what came and what to use instead.
        """

    def is_likelihood_of(self, schema: Schema) -> bool:
        """Whether log p(x|z) is a true log-likelihood (density or mass) of such data."""
        return True
