"""Code usage: how much of its codebook a quantized model uses."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vaekit.evaluation.chunks import batches_of, evaluating

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model


def code_usage(model: Model, part: Part, *, batch_size: int = 256, seed: int = 0) -> dict[str, Any]:
    """Which codes the examples of a part fall on; perplexity as in van den Oord et al., "Neural Discrete Representation
    Learning", 2017.

    Args:
        model: any model.
        part: the examples.
        batch_size: examples at a time.
        seed: of a dynamic binarization.

    Returns:
        `num_codes`, of a codebook; `used`, how many of them occur; `perplexity`, exp of the entropy of their
        frequencies: as many equally frequent codes would carry as much. With several codebooks, `used` and
        `perplexity` are their means, and `per_codebook` lists them. Empty for a model without codes.
    """
    posterior = getattr(model, "posterior", None)
    codebook = getattr(posterior, "codebook", None)
    if codebook is None or posterior is None:
        return {}
    counts = torch.zeros(codebook.num_symbols, codebook.num_codes, dtype=torch.float64)
    with evaluating(model, seed):
        for x, y in batches_of(part, model, batch_size):
            codes = posterior(x, model.condition_features(y, x) if posterior.condition else None).codes
            count_codes(codes.reshape(-1, codebook.num_symbols).cpu(), counts)
    each = [_usage(row) for row in counts]
    results: dict[str, Any] = {
        "num_codes": codebook.num_codes,
        "used": sum(used for used, _ in each) / len(each),
        "perplexity": sum(perplexity for _, perplexity in each) / len(each),
    }
    if len(each) == 1:
        results["used"] = each[0][0]
    else:
        results["per_codebook"] = [{"used": used, "perplexity": perplexity} for used, perplexity in each]
    return results


def count_codes(codes: Tensor, counts: Tensor) -> None:
    """Add codes (N, S) to their counts (S, num_codes)."""
    for symbol, row in enumerate(counts):
        row += torch.bincount(codes[:, symbol], minlength=counts.shape[1])


def _usage(counts: Tensor) -> tuple[int, float]:
    """How many codes occur, and the perplexity of their frequencies."""
    shares = counts[counts > 0] / counts.sum()
    return len(shares), math.exp(-float((shares * shares.log()).sum()))
