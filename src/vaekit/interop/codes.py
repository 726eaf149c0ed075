"""The two halves of a model whose latents are discrete: x to codes, codes to x."""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.distributions import Distribution

from vaekit.distributions.quantized import on_grid
from vaekit.interop.halves import Decoder, Half
from vaekit.model import VAE
from vaekit.nets.codebook import Codebook
from vaekit.nets.hierarchical_codebook import HierarchicalCodebook
from vaekit.nets.quantizer import Quantizer
from vaekit.nets.residual_codebook import ResidualCodebook
from vaekit.nets.scalar_codebook import ScalarCodebook
from vaekit.posteriors import VectorQuantized

__all__ = ["CodesDecoder", "CodesEncoder", "as_grid", "codebook_of", "grid_of", "is_discrete"]


def is_discrete(model: VAE) -> bool:
    """Whether the latents are codes of a codebook, categories or bits."""
    return model.posterior.support in ("codes", "categories", "bits")


def _quantized(model: VAE) -> VectorQuantized:
    """The posterior of a vector-quantized model; a corrupted one holds it."""
    return cast(VectorQuantized, getattr(model.posterior, "posterior", model.posterior))


def codebook_of(model: VAE) -> Quantizer:
    """The vectors of a vector-quantized model."""
    return _quantized(model).codebook


def grid_shape(model: VAE) -> tuple[int, ...]:
    """The grid of positions of a vector-quantized model, in as many dimensions as it has."""
    return _quantized(model).grid


def grid_of(model: VAE) -> tuple[int, int, int, int]:
    """Symbols of a position, height and width of the grid of positions, and values of a symbol: (S, h, w, C)."""
    posterior = model.posterior
    if posterior.support == "codes":
        codebook, grid = codebook_of(model), grid_shape(model)
        return codebook.num_symbols, math.prod(grid[:-1]), grid[-1], codebook.num_codes
    if posterior.support == "categories":
        num, categories = posterior.event_shape
        return 1, 1, num, categories
    return 1, 1, math.prod(posterior.event_shape), 2


def as_grid(codes: Tensor, model: VAE) -> Tensor:
    """A posterior's or a prior's codes as (B, S h, w): the symbols of a position lie above each other, S grids."""
    symbols, height, width, _ = grid_of(model)
    if symbols > 1:
        codes = codes.movedim(-1, 1)
    return codes.reshape(-1, symbols * height, width)


class CodesEncoder(Half):
    """x, and the class of a conditional model, to the likeliest codes (B, S h, w)."""

    outputs = ("codes",)

    def __init__(self, model: VAE) -> None:
        super().__init__(model, "x", *(("y",) if model.posterior.condition else ()))

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        given, model = self.given(tensors), self.model
        assert isinstance(model, VAE)
        return (likeliest_codes(model, given["x"], given.get("y")),)


def likeliest_codes(model: VAE, x: Tensor, y: Tensor | None) -> Tensor:
    """The mode of q(z|x) as codes (B, S h, w)."""
    posterior = model.posterior
    if posterior.support == "codes":
        inner = _quantized(model)
        (features,) = inner.head(inner.net(x, y))
        return as_grid(nearest(inner.codebook, features.flatten(2).mT), model)
    mean = posterior(x, y).mean
    return as_grid(mean.argmax(-1) if posterior.support == "categories" else (mean > 0.5).long(), model)


def nearest(codebook: Quantizer, tokens: Tensor) -> Tensor:
    """The codes of inputs (N, P, dim), as the codebook itself finds them, in operators that can be exported."""
    if isinstance(codebook, ScalarCodebook):
        quantizer = codebook.quantizer
        return quantizer.codes_to_indices(quantizer.quantize(tokens)).long()
    if isinstance(codebook, HierarchicalCodebook):
        return codebook.search(tokens)
    if isinstance(codebook, ResidualCodebook):
        rest, found = tokens, []
        for vectors in codebook.vectors:
            found.append(_nearest(vectors, rest))
            rest = rest - vectors[found[-1]]
        return torch.stack(found, -1)
    assert isinstance(codebook, Codebook)
    return _nearest(codebook.vectors, tokens)


def _nearest(vectors: Tensor, tokens: Tensor) -> Tensor:
    return (2 * tokens @ vectors.T - vectors.square().sum(-1)).argmax(-1)


def latents_of(model: VAE, codes: Tensor) -> Tensor:
    """z of codes (B, S h, w)."""
    posterior, symbols = model.posterior, grid_of(model)[0]
    flat = codes.reshape(codes.shape[0], symbols, -1)  # (B, S, P)
    if posterior.support == "codes":
        return on_grid(codebook_of(model).lookup(flat.mT if symbols > 1 else flat[:, 0]), grid_shape(model))
    if posterior.support == "categories":
        return F.one_hot(flat[:, 0], posterior.event_shape[1]).to(model.dtype)
    return flat[:, 0].to(model.dtype).reshape(-1, *posterior.event_shape)


class CodesDecoder(Decoder):
    """Codes (B, S h, w), and the class of a conditional model, to the mean of p(x|z) and log p(x|z)."""

    def __init__(self, model: VAE, *, is_scored: bool = True) -> None:
        super().__init__(model, is_scored=is_scored)
        self.inputs = ("codes", *self.inputs[1:])

    def px(self, given: dict[str, Tensor]) -> Distribution:
        assert isinstance(self.model, VAE)
        return self.model.decode(latents_of(self.model, given["codes"]), given.get("y"))
