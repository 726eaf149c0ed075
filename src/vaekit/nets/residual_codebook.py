"""ResidualCodebook: several codebooks, each of which quantizes what the ones before it left."""

from __future__ import annotations

import torch
from torch import Tensor

from vaekit.errors import UserError
from vaekit.nets.codebook import require_codes, share_statistics
from vaekit.nets.summed_codebook import SummedCodebook


class ResidualCodebook(SummedCodebook):
    """A sum of S vectors, one of each codebook, each nearest to the rest that is left. Lee et al., "Autoregressive
    Image Generation using Residual Quantization", 2022; Zeghidour et al., "SoundStream", 2021.

    Args:
        num_codes: vectors of each codebook.
        dim: their length.
        num_quantizers: number of codebooks S.
        decay: share of the old average that each step keeps.

    Raises:
        UserError: fewer than 2 codes, a dim below 1, or fewer than 2 codebooks.
    """

    def __init__(self, num_codes: int, dim: int, num_quantizers: int = 4, *, decay: float = 0.99) -> None:
        super().__init__()
        require_codes(num_codes, dim)
        if num_quantizers < 2:
            raise UserError(
                f"A ResidualCodebook holds at least 2 codebooks; {num_quantizers} came. Use Codebook for one."
            )
        from vector_quantize_pytorch import ResidualVQ  # slow to import, and few models need it

        self.num_codes, self.dim, self.num_symbols = num_codes, dim, num_quantizers
        self.quantizer = ResidualVQ(
            dim=dim,
            num_quantizers=num_quantizers,
            codebook_size=num_codes,
            decay=decay,
            kmeans_init=True,
            threshold_ema_dead_code=1,
            commitment_weight=0.0,
            rotation_trick=False,
        )

    @property
    def vectors(self) -> Tensor:
        """(S, num_codes, dim)."""
        return self.quantizer.codebooks

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs (N, P, dim) to sums of vectors, and their codes (N, P, S). In training mode the vectors move."""
        for layer in self.quantizer.layers:
            share_statistics(layer._codebook)
        with torch.autocast(x.device.type, enabled=False):
            quantized, codes, _ = self.quantizer(x)
        # Straight through once: the sum of the codebooks' own would pass the gradient S times.
        return x + (quantized - x).detach(), codes

    @property
    def mean(self) -> Tensor:
        return self.vectors.mean(1).sum(0)

    def terms(self, codes: Tensor) -> Tensor:
        index = torch.arange(self.num_symbols, device=codes.device)
        return self.vectors[index, codes].detach()
