"""SummedCodebook: what the codebooks share whose vectors are sums."""

from __future__ import annotations

from abc import abstractmethod

from torch import Tensor

from vaekit.errors import UserError
from vaekit.nets.quantizer import Quantizer


class SummedCodebook(Quantizer):
    """A position's S symbols name S vectors, each a correction to the sum of those before it."""

    @abstractmethod
    def terms(self, codes: Tensor) -> Tensor:
        """The S vectors of each position, codes (..., P, S) to (..., P, S, dim), without a gradient."""

    def lookup(self, codes: Tensor) -> Tensor:
        return self.terms(codes).sum(-2)

    def codes_of(self, vectors: Tensor) -> Tensor:
        raise UserError("The codes of a sum of vectors are not unique; take them from the posterior, q(z|x).codes.")

    def commitment(self, x: Tensor, codes: Tensor) -> Tensor:
        """Squared distance from inputs (N, P, dim) to every partial sum of their vectors, summed, (N,), so that each
        term matters: equation 5 of Lee et al., 2022."""
        return (x.unsqueeze(-2) - self.terms(codes).cumsum(-2)).square().sum((1, 2, 3))
