"""Quantizer: the contract of every codebook, learned or fixed."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from vaekit.component import Component


class Quantizer(Component):
    """Puts vectors in the place of inputs. A position has `num_symbols` symbols of `num_codes` values each.

    Codes are (..., P) where a position has one symbol, (..., P, S) where it has several.
    """

    dim: int
    """Length of a vector."""
    num_codes: int
    """Values that a symbol can take."""
    num_symbols: int = 1
    """Symbols S at each position."""

    @abstractmethod
    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs (N, P, dim) to vectors, with a straight-through gradient, and their codes."""

    @abstractmethod
    def lookup(self, codes: Tensor) -> Tensor:
        """Codes to vectors (..., P, dim), without a gradient."""

    @abstractmethod
    def codes_of(self, vectors: Tensor) -> Tensor:
        """The codes of vectors (..., dim) that `lookup` gave."""

    @property
    def mean(self) -> Tensor:
        """The mean of all vectors, (dim,)."""
        device = next((t.device for t in self.buffers()), None)
        return self.lookup(torch.arange(self.num_codes, device=device)).mean(0)

    def commitment(self, x: Tensor, codes: Tensor) -> Tensor | None:
        """Squared distance from inputs (N, P, dim) to their vectors, summed, (N,); None where the inputs need no pull
        because the vectors lie still around them."""
        return (x - self.lookup(codes)).square().sum((1, 2))
