"""AutoregressiveCodes: a learned prior over discrete codes, each given those before it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, constraints
from torch.distributions.kl import register_kl
from torch.types import _size

from vaekit.conditional import Posterior, Prior
from vaekit.distributions.quantized import Quantized, on_grid
from vaekit.errors import UserError
from vaekit.nets.causal import CausalTransformer
from vaekit.nets.net import as_shape
from vaekit.nets.quantizer import Quantizer
from vaekit.priors.uniform_codes import require_same_codebook


class CodeSequences(Distribution):
    """p(z) = prod_i p(code_i | codes before it), positions in reading order. A draw is the codes' vectors.

    Args:
        net: the logits of each code given those before it.
        codebook: which vectors the codes stand for.
        grid: shape of the positions.
        condition: (B, F), or None.
        temperature: divides the logits of draws.
    """

    arg_constraints = {}  # noqa: RUF012

    def __init__(
        self,
        net: CausalTransformer,
        codebook: Quantizer,
        grid: tuple[int, ...],
        condition: Tensor | None,
        temperature: float = 1.0,
    ) -> None:
        self.net, self.codebook, self.grid = net, codebook, grid
        self.condition, self.temperature = condition, temperature
        batch = Size() if condition is None else condition.shape[:-1]
        super().__init__(batch, Size([codebook.dim, *grid]), validate_args=False)

    @property
    def support(self) -> constraints.Constraint:
        return constraints.real

    @torch.no_grad()
    def sample(self, sample_shape: _size = ()) -> Tensor:
        shape = Size(sample_shape) + self.batch_shape
        codes = self.net.sample(math.prod(shape), self._given(shape), temperature=self.temperature)
        return on_grid(self.codebook.lookup(codes), self.grid).unflatten(0, shape) if shape else (
            on_grid(self.codebook.lookup(codes), self.grid)[0]
        )  # fmt: skip

    def log_prob(self, value: Tensor) -> Tensor:
        return self.log_prob_of_codes(self.codebook.codes_of(value.detach().flatten(-len(self.grid)).mT))

    def log_prob_of_codes(self, codes: Tensor) -> Tensor:
        """log p of codes (..., P), (...)."""
        shape, flat = codes.shape[:-1], codes.reshape(-1, codes.shape[-1])
        logits = self.net(flat, self._given(shape)).float().log_softmax(-1)
        return logits.gather(-1, flat.unsqueeze(-1)).sum((1, 2)).reshape(shape)

    def tempered(self, temperature: float) -> CodeSequences:
        """Below 1, likelier codes only."""
        return CodeSequences(self.net, self.codebook, self.grid, self.condition, temperature)

    def _given(self, shape: Size) -> Tensor | None:
        if self.condition is None:
            return None
        width = self.condition.shape[-1]
        return self.condition.expand(*shape, width).reshape(-1, width)


@register_kl(Quantized, CodeSequences)
def _kl_quantized_sequences(q: Quantized, p: CodeSequences) -> Tensor:
    return -p.log_prob_of_codes(q.codes.flatten(q.codes.ndim - len(p.grid)))


class AutoregressiveCodes(Prior):
    """p(z): a causal transformer over the codes of a vector-quantized model, in reading order.

    The prior of van den Oord et al., "Neural Discrete Representation Learning", 2017, there a PixelCNN. Codes pass no
    gradient, so trained jointly it shapes neither encoder nor codebook; `fit_prior` trains it afterwards.

    Args:
        codebook: the posterior's own.
        grid: shape of the positions.
        width: of the transformer.
        num_layers: its blocks.
        num_heads: attention heads of each.
        condition: number of condition features, a class for example; 0 for none.

    Raises:
        UserError: a codebook of several symbols a position, or a width that the heads do not divide.
    """

    support = "codes"

    def __init__(
        self,
        codebook: Quantizer,
        grid: int | Sequence[int],
        *,
        width: int = 64,
        num_layers: int = 2,
        num_heads: int = 4,
        condition: int = 0,
    ) -> None:
        super().__init__()
        if codebook.num_symbols > 1:
            raise UserError(
                f"AutoregressiveCodes takes one symbol a position and {type(codebook).__name__} has "
                f"{codebook.num_symbols}; use Codebook or ScalarCodebook."
            )
        if width % num_heads:
            raise UserError(f"The width {width} must be a multiple of num_heads, {num_heads}.")
        self.codebook, self.grid, self.condition = codebook, as_shape(grid), condition
        self.event_shape = (codebook.dim, *self.grid)
        self.net = CausalTransformer(
            codebook.num_codes,
            math.prod(self.grid),
            width=width,
            num_layers=num_layers,
            num_heads=num_heads,
            condition=condition,
        )

    def check(self, posterior: Posterior) -> None:
        super().check(posterior)
        require_same_codebook(self, self.codebook, posterior)

    def forward(self, context: Tensor | None = None, condition: Tensor | None = None) -> CodeSequences:
        if self.condition and condition is None:
            raise UserError(
                f"AutoregressiveCodes was built for a condition of {self.condition} features; none came."
            )
        return CodeSequences(self.net, self.codebook, self.grid, condition if self.condition else None)
