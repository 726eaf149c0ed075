"""Discriminator: a network that tells two kinds of inputs apart, trained in the same pass as what it judges."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from vaekit.errors import UserError
from vaekit.nets.net import Head, Net


class Discriminator(nn.Module):
    """A network and one logit: above 0 where it takes an input to be of the first kind. Goodfellow et al., 2014.

    Args:
        net: takes what is judged; without a condition.

    Raises:
        UserError: a network with a condition.
    """

    def __init__(self, net: Net) -> None:
        super().__init__()
        if net.condition:
            raise UserError(
                "A discriminator takes a network without a condition; "
                f"one of {net.condition} features came. Leave condition out."
            )
        self.net, self.head = net, Head(net.out_shape, (1,), 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The logit (...,) of inputs (..., *in_shape), and the features that it is taken from."""
        features = self.net(x)
        return self.head(features)[0].squeeze(-1), features

    def frozen(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The same with constant weights: a gradient to the inputs alone."""
        constants = {name: p.detach() for name, p in self.named_parameters()}
        return functional_call(self, constants, (x,))

    def loss(self, first: Tensor, *others: Tensor) -> Tensor:
        """Cross-entropy of telling `first` from each of `others`, a scalar; no gradient to either."""
        total = F.softplus(-self(first.detach())[0]).mean()
        for other in others:
            total = total + F.softplus(self(other.detach())[0]).mean()
        return total

    def require_input(self, shape: tuple[int, ...], what: str) -> None:
        """Refuse a network for another shape.

        Raises:
            UserError: in one sentence.
        """
        if self.net.in_shape != shape:
            raise UserError(
                f"The discriminator takes inputs of shape {self.net.in_shape}; {what} has shape {shape}. "
                "Build its network for that shape."
            )


def fooling(logit: Tensor) -> Tensor:
    """-log D, a scalar: what lowers it makes the discriminator take its input for the first kind."""
    return F.softplus(-logit).mean()
