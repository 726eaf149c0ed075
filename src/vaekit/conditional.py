"""Conditional: the one contract. A posterior, a prior or a likelihood maps a context to a distribution."""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

from torch import Tensor, nn
from torch.distributions import Distribution

from vaekit.component import Component
from vaekit.errors import UserError
from vaekit.schema import Schema

__all__ = ["Conditional", "Likelihood", "Posterior", "Prior"]

Support = Literal["real", "sphere", "ball", "codes", "categories", "bits"]
SUPPORTS: dict[str, str] = {
    "real": "real numbers",
    "sphere": "points on the unit sphere",
    "ball": "points of the Poincaré ball",
    "codes": "codes of a codebook",
    "categories": "categories",
    "bits": "zeros and ones",
}
PARTNERS: dict[str, str] = {
    "real": "StandardNormal, MixturePrior, VampPrior or FlowPrior",
    "sphere": "SphereUniform",
    "ball": "WrappedNormalPrior",
    "codes": "UniformCodesPrior or AutoregressiveCodes with the posterior's codebook",
    "categories": "UniformCategorical",
    "bits": "UniformBinary",
}
"""The priors that go with each support."""


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
    is_exact: bool = True
    """Whether `log_prob` is the density at any point; where it is not, it is an estimate, as the part says."""

    @abstractmethod
    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Distribution: ...


class Posterior(Conditional):
    """q(z|x): the context is x."""

    support: Support = "real"
    """Where its draws lie; the prior must give probability there."""

    is_density: bool = True
    """Whether log q(z|x) exists; a deterministic code has none, and objectives that need it refuse it."""

    def check(self, prior: Prior, likelihood: Likelihood | None) -> None:
        """Refuse a model that this posterior was not made for.

        Args:
            prior: p(z) of its layer.
            likelihood: p(x|z) of a model with one layer, None in a hierarchy.

        Raises:
            UserError: in one sentence, what came and what to use instead.
        """


class Prior(Conditional):
    """p(z): the context is None at the top of a model, the latent above elsewhere."""

    context_shape: tuple[int, ...] | None = None
    """Shape of the context that this prior needs, None for a prior that needs none."""
    support: Support = "real"
    """Where its draws lie."""

    def check(self, posterior: Posterior) -> None:
        """Refuse a posterior whose draws this prior gives no probability to.

        Raises:
            UserError: in one sentence, what came and what to use instead.
        """
        if posterior.support != self.support:
            raise UserError(
                f"{type(posterior).__name__} draws {SUPPORTS[posterior.support]}, and {type(self).__name__} is a prior "
                f"of {SUPPORTS[self.support]}; use {PARTNERS[posterior.support]} as the prior."
            )


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


def is_exact(model: nn.Module, *contracts: type[nn.Module]) -> bool:
    """Whether all parts of these kinds (all of them where none is named) know their densities and estimate none."""
    kinds = contracts or (Conditional,)
    return all(part.is_exact for part in model.modules() if isinstance(part, Conditional) and isinstance(part, kinds))


def is_curved(model: nn.Module) -> bool:
    """Whether codes lie on a sphere or in a ball, where no dimension can be changed by itself at will."""
    return any(part.support in ("sphere", "ball") for part in model.modules() if isinstance(part, Posterior))
