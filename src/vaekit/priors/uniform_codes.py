"""UniformCodesPrior: every code of a codebook equally likely."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from vaekit.conditional import Prior
from vaekit.distributions.quantized import UniformCodes
from vaekit.nets.codebook import Codebook
from vaekit.nets.net import as_shape


class UniformCodesPrior(Prior):
    """p(z): uniform over the codes of each position; the rate is positions * log(num_codes). van den Oord et al., 2017.

    Args:
        codebook: the posterior's own.
        grid: shape of the positions.
    """

    def __init__(self, codebook: Codebook, grid: int | Sequence[int]) -> None:
        super().__init__()
        self.codebook, self.grid = codebook, as_shape(grid)
        self.event_shape = (codebook.dim, *self.grid)

    def forward(self, context: Tensor | None = None, condition: Tensor | None = None) -> UniformCodes:
        return UniformCodes(self.codebook.vectors.detach(), self.grid)
