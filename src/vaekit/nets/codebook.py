"""Codebook: the vectors of a vector-quantized model, learned as moving averages of what they stand for."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

import vaekit.ranks as ranks
from vaekit.errors import UserError
from vaekit.nets.quantizer import Quantizer


class Codebook(Quantizer):
    """num_codes vectors of length dim; each input goes to the nearest one.

    van den Oord et al., "Neural Discrete Representation Learning", 2017, with the moving-average update of its
    appendix, k-means for a start, and codes that nothing uses any more put back among the data.

    Args:
        num_codes: how many vectors.
        dim: their length.
        decay: share of the old average that each step keeps.

    Raises:
        UserError: fewer than 2 codes, or a dim below 1.
    """

    def __init__(self, num_codes: int, dim: int, *, decay: float = 0.99) -> None:
        super().__init__()
        require_codes(num_codes, dim)
        from vector_quantize_pytorch import VectorQuantize  # slow to import, and few models need it

        self.num_codes, self.dim = num_codes, dim
        self.quantizer = VectorQuantize(
            dim,
            num_codes,
            decay=decay,
            kmeans_init=True,
            threshold_ema_dead_code=1,
            commitment_weight=0.0,
            rotation_trick=False,
        )

    @property
    def vectors(self) -> Tensor:
        """(num_codes, dim)."""
        return self.quantizer.codebook

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs (N, P, dim) to the nearest vectors, with a straight-through gradient, and their codes (N, P).

        In training mode the vectors move towards the inputs.
        """
        share_statistics(self.quantizer._codebook)
        with torch.autocast(x.device.type, enabled=False):
            quantized, codes, _ = self.quantizer(x)
        return quantized, codes

    def lookup(self, codes: Tensor) -> Tensor:
        return self.vectors[codes].detach()

    def codes_of(self, vectors: Tensor) -> Tensor:
        return torch.cdist(vectors.reshape(-1, self.dim), self.vectors).argmin(-1).reshape(vectors.shape[:-1])


def share_statistics(book: Any) -> None:
    """Where processes share a batch, let vector_quantize_pytorch's averages and restarts be those of all of it.

    Its own `sync_codebook` adds up the same sums, but draws new codes on each process for itself.
    """
    from vector_quantize_pytorch.vector_quantize_pytorch import batched_sample_vectors

    book.all_reduce_fn = book.kmeans_all_reduce_fn = ranks.add_up
    book.sample_fn = book.replace_sample_fn = (
        batched_sample_vectors if ranks.current() is None else vectors_of_batch
    )


def vectors_of_batch(samples: Tensor, num: int) -> Tensor:
    """`num` of the vectors (1, n, dim) of all processes, drawn as vector_quantize_pytorch draws those of one."""
    total = ranks.number(samples.shape[1])
    if total >= num:
        index = torch.randperm(total, device=samples.device)[:num]
    else:
        index = torch.randint(total, (num,), device=samples.device)
    return ranks.take(samples[0], index).unsqueeze(0)


def require_codes(num_codes: int, dim: int) -> None:
    """Refuse a codebook that holds nothing.

    Raises:
        UserError: fewer than 2 codes, or a dim below 1.
    """
    if num_codes < 2 or dim < 1:
        raise UserError(
            f"A codebook needs at least 2 codes of length at least 1; {num_codes} and {dim} came."
        )
