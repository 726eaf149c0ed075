"""UniformCodesPrior: every code of a codebook equally likely."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from vaekit.conditional import Posterior, Prior
from vaekit.distributions.quantized import UniformCodes
from vaekit.errors import UserError
from vaekit.nets.net import as_shape
from vaekit.nets.quantizer import Quantizer


class UniformCodesPrior(Prior):
    """p(z): uniform over the codes of each position; the rate is positions * log(num_codes). van den Oord et al., 2017.

    Args:
        codebook: the posterior's own.
        grid: shape of the positions.
    """

    support = "codes"

    def __init__(self, codebook: Quantizer, grid: int | Sequence[int]) -> None:
        super().__init__()
        self.codebook, self.grid = codebook, as_shape(grid)
        self.event_shape = (codebook.dim, *self.grid)

    def check(self, posterior: Posterior) -> None:
        super().check(posterior)
        require_same_codebook(self, self.codebook, posterior)

    def forward(self, context: Tensor | None = None, condition: Tensor | None = None) -> UniformCodes:
        codebook = self.codebook
        return UniformCodes(
            codebook.lookup,
            codebook.mean.detach(),
            codebook.num_codes,
            self.grid,
            num_symbols=codebook.num_symbols,
        )


def require_same_codebook(prior: Prior, codebook: Quantizer, posterior: Posterior) -> None:
    """Refuse a prior over the codes of another codebook.

    Raises:
        UserError: the codebooks differ.
    """
    if getattr(posterior, "codebook", None) is not codebook:
        raise UserError(
            f"{type(prior).__name__} speaks of another codebook than {type(posterior).__name__}; build the codebook "
            "once and pass it to both."
        )
