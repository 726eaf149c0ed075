"""ScalarCodebook: every dimension rounded to a few levels; nothing is learned and no code is unused."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from vaekit.errors import UserError
from vaekit.nets.quantizer import Quantizer


class ScalarCodebook(Quantizer):
    """Finite scalar quantization: dimension d is bounded and rounded to one of levels[d] values. Mentzer et al.,
    "Finite Scalar Quantization: VQ-VAE Made Simple", 2024.

    Args:
        levels: values of each dimension, at least 3 each; (8, 5, 5, 5) gives 1000 codes.

    Raises:
        UserError: no dimension, or fewer than 3 levels.

    Example:
        >>> codebook = ScalarCodebook((8, 5, 5, 5))
        >>> codebook.num_codes, codebook.dim
        (1000, 4)
    """

    def __init__(self, levels: Sequence[int]) -> None:
        super().__init__()
        levels = tuple(int(n) for n in levels)
        if not levels or min(levels) < 3:
            raise UserError(f"ScalarCodebook takes at least 3 levels for each dimension; {levels} came.")
        from vector_quantize_pytorch import FSQ  # slow to import, and few models need it

        self.levels, self.dim, self.num_codes = levels, len(levels), math.prod(levels)
        self.quantizer = FSQ(list(levels))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs (N, P, dim) to vectors in [-1, 1], and their codes (N, P)."""
        with torch.autocast(x.device.type, enabled=False):
            quantized, codes = self.quantizer(x)
        return quantized, codes.long()

    def lookup(self, codes: Tensor) -> Tensor:
        return self.quantizer.implicit_codebook[codes]

    def codes_of(self, vectors: Tensor) -> Tensor:
        return self.quantizer.codes_to_indices(vectors).long()

    def commitment(self, x: Tensor, codes: Tensor) -> Tensor | None:
        return None
