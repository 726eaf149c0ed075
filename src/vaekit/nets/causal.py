"""CausalTransformer: logits of the next symbol of a sequence, given those before it."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class CausalBlock(nn.Module):
    """Attention to what came before, then two dense layers, each on a normalized input and added to it."""

    def __init__(self, width: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.attend, self.join = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.dense = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))

    def forward(self, h: Tensor, past: tuple[Tensor, Tensor] | None) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """(N, T, width) to the same; `past` holds keys and values of earlier positions, for one new position."""
        query, key, value = (
            part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for part in self.attend(self.norms[0](h)).chunk(3, -1)
        )
        if past is not None:
            key, value = torch.cat([past[0], key], 2), torch.cat([past[1], value], 2)
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=past is None)
        h = h + self.join(seen.transpose(1, 2).flatten(-2))
        return h + self.dense(self.norms[1](h)), (key, value)


class CausalTransformer(nn.Module):
    """Symbols (N, T) to logits (N, T, num_codes) of each symbol given those before it and the condition (N, F).

    Vaswani et al., "Attention Is All You Need", 2017.
    """

    def __init__(
        self, num_codes: int, length: int, *, width: int, num_layers: int, num_heads: int, condition: int
    ) -> None:
        super().__init__()
        self.length = length
        # Code num_codes stands for "nothing yet".
        self.codes = nn.Embedding(num_codes + 1, width)
        self.places = nn.Parameter(torch.randn(length, width) / math.sqrt(width))
        self.condition = nn.Linear(condition, width, bias=False) if condition else None
        self.blocks = nn.ModuleList(CausalBlock(width, num_heads) for _ in range(num_layers))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, num_codes)
        nn.init.zeros_(self.head.weight)  # uniform over the codes at first
        nn.init.zeros_(self.head.bias)

    def forward(self, codes: Tensor, condition: Tensor | None = None) -> Tensor:
        start = torch.full_like(codes[:, :1], self.codes.num_embeddings - 1)
        h = self.codes(torch.cat([start, codes[:, :-1]], 1)) + self.places
        if self.condition is not None and condition is not None:
            h = h + self.condition(condition).unsqueeze(1)
        for block in self.blocks:
            h, _ = block(h, None)
        return self.head(self.norm(h))

    @torch.no_grad()
    def sample(self, num: int, condition: Tensor | None = None, *, temperature: float = 1.0) -> Tensor:
        """New sequences (num, T), one symbol after the other; each step looks at its own position only."""
        last = torch.full((num,), self.codes.num_embeddings - 1, device=self.places.device)
        drawn: list[Tensor] = []
        cache: list[tuple[Tensor, Tensor] | None] = [None for _ in self.blocks]
        for place in range(self.length):
            h = (self.codes(last) + self.places[place]).unsqueeze(1)
            if self.condition is not None and condition is not None:
                h = h + self.condition(condition).unsqueeze(1)
            for i, block in enumerate(self.blocks):
                h, cache[i] = block(h, cache[i])
            logits = self.head(self.norm(h))[:, 0] / temperature
            last = torch.multinomial(logits.softmax(-1), 1)[:, 0]
            drawn.append(last)
        return torch.stack(drawn, 1)
