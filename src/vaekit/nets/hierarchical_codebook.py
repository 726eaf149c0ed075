"""HierarchicalCodebook: a tree of codebooks, each of which quantizes what the choices above it left."""

from __future__ import annotations

import torch
from torch import Tensor

import vaekit.ranks as ranks
from vaekit.errors import UserError
from vaekit.nets.codebook import require_codes, vectors_of_batch
from vaekit.nets.summed_codebook import SummedCodebook

# A vector with less than this share of what an even use would give it is put beside the busiest of its siblings.
DEAD_SHARE = 0.05
SPLIT = 0.01
# Inputs of the first batch that the vectors begin at.
POOL = 4096


class HierarchicalCodebook(SummedCodebook):
    """A sum of S vectors, the first of one codebook, the next of a codebook that belongs to the first's code, and so on
    down a tree. Adiban et al., "Hierarchical Residual Learning Based Vector Quantized Variational Autoencoder for Image
    Reconstruction and Generation", 2022.

    A search looks at S * num_codes vectors and tells num_codes**S sums apart. The vectors are moving averages of what
    they stand for, as in `Codebook`; an unused one splits its busiest sibling (Linde, Buzo and Gray, 1980).

    Args:
        num_codes: vectors of each codebook.
        dim: their length.
        num_layers: depth S of the tree; layer l holds num_codes**l vectors.
        decay: share of the old average that each step keeps.

    Raises:
        UserError: fewer than 2 codes, a dim below 1, fewer than 2 layers, or more than a million vectors.
    """

    is_started: Tensor

    def __init__(self, num_codes: int, dim: int, num_layers: int = 3, *, decay: float = 0.99) -> None:
        super().__init__()
        require_codes(num_codes, dim)
        if num_layers < 2 or num_codes**num_layers > 1_000_000:
            raise UserError(
                "A HierarchicalCodebook has at least 2 layers and at most a million vectors in the last; "
                f"{num_codes} codes in {num_layers} layers came. Use Codebook for one layer."
            )
        self.num_codes, self.dim, self.num_symbols, self.decay = num_codes, dim, num_layers, decay
        self.register_buffer("is_started", torch.zeros((), dtype=torch.bool))
        for layer in range(num_layers):
            self.register_buffer(f"vectors_{layer}", torch.randn(num_codes**layer, num_codes, dim))
            self.register_buffer(f"uses_{layer}", torch.ones(num_codes**layer, num_codes))

    @property
    def layers(self) -> list[tuple[Tensor, Tensor]]:
        """Vectors (C^l, C, dim) and how often each was used of late, (C^l, C), from the top down."""
        return [(getattr(self, f"vectors_{s}"), getattr(self, f"uses_{s}")) for s in range(self.num_symbols)]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs (N, P, dim) to sums of vectors, and their codes (N, P, S). In training mode the vectors move."""
        with torch.autocast(x.device.type, enabled=False):
            rest = x.detach().to(self.layers[0][0].dtype)
            if self.training and not bool(self.is_started):
                self._start(rest.reshape(-1, self.dim))
            codes = self.search(rest)
            vectors = self.lookup(codes).to(x.dtype)
            if self.training:
                self._move(rest.reshape(-1, self.dim), codes.reshape(-1, self.num_symbols))
        return x + (vectors - x).detach(), codes

    def search(self, x: Tensor) -> Tensor:
        """The codes (..., S) of inputs (..., dim): from the top, the child that is nearest to what is left."""
        node, codes = torch.zeros_like(x[..., 0], dtype=torch.long), []
        for vectors, _ in self.layers:
            children = vectors[node]  # (..., C, dim)
            nearest = (x.unsqueeze(-2) - children).square().sum(-1).argmin(-1)
            x = x - vectors[node, nearest]
            codes.append(nearest)
            node = node * self.num_codes + nearest
        return torch.stack(codes, -1)

    @property
    def mean(self) -> Tensor:
        return torch.stack([vectors.mean((0, 1)) for vectors, _ in self.layers]).sum(0)

    def terms(self, codes: Tensor) -> Tensor:
        node, terms = torch.zeros_like(codes[..., 0]), []
        for (vectors, _), code in zip(self.layers, codes.unbind(-1), strict=True):
            terms.append(vectors[node, code])
            node = node * self.num_codes + code
        return torch.stack(terms, -2)

    @torch.no_grad()
    def _start(self, x: Tensor) -> None:
        """Every codebook begins at a few of the inputs (n, dim) that come to it, the likelier the farther they are from
        those taken before: k-means++ of Arthur and Vassilvitskii, 2007."""
        rest = vectors_of_batch(x.unsqueeze(0), POOL)[0]
        generator = torch.Generator().manual_seed(0)  # processes that share a batch must take the same
        node = torch.zeros(POOL, dtype=torch.long, device=x.device)
        for vectors, _ in self.layers:
            gap = rest.new_ones(POOL)
            for code in range(self.num_codes):
                anywhere = torch.randint(POOL, (len(vectors),), generator=generator)
                vectors[:, code] = rest[anywhere.to(x.device)]  # of a node that no input comes to
                gumbel = -torch.empty(POOL).exponential_(generator=generator).log().to(rest)
                score = gap.clamp(min=1e-30).log() + gumbel
                best = score.new_full((len(vectors),), -torch.inf).scatter_reduce(0, node, score, "amax")
                is_best = score == best[node]
                vectors[node[is_best], code] = rest[is_best]
                away = (rest - vectors[node, code]).square().sum(-1)
                gap = away if code == 0 else torch.minimum(gap, away)
            nearest = (rest.unsqueeze(-2) - vectors[node]).square().sum(-1).argmin(-1)
            rest, node = rest - vectors[node, nearest], node * self.num_codes + nearest
        self.is_started.fill_(True)

    @torch.no_grad()
    def _move(self, rest: Tensor, codes: Tensor) -> None:
        """Each vector goes towards the mean of the inputs (n, dim) that chose it."""
        node = torch.zeros_like(codes[:, 0])
        for layer, (vectors, uses) in enumerate(self.layers):
            chosen = vectors[node, codes[:, layer]]
            node = node * self.num_codes + codes[:, layer]
            # Sums of differences and numbers of inputs side by side, so that processes talk once.
            seen = torch.cat([rest - chosen, torch.ones_like(rest[:, :1])], -1)
            total = ranks.add_up(rest.new_zeros(uses.numel(), self.dim + 1).index_add_(0, node, seen))
            total = total.view(*uses.shape, -1)
            uses.mul_(self.decay).add_((1 - self.decay) * total[..., -1])
            step = (1 - self.decay) * total[..., :-1] / uses.clamp(min=1e-20).unsqueeze(-1)
            vectors.add_(torch.where(total[..., -1:] > 0, step, 0))
            rest = rest - chosen
            self._split(layer)

    def _split(self, layer: int) -> None:
        """Where the least used of a node's vectors has next to no use, it takes half of the busiest one's, subtree and
        all."""
        uses = self.layers[layer][1]
        rows = torch.arange(len(uses), device=uses.device)
        (least, idle), (most, busy) = uses.min(-1), uses.max(-1)
        is_dead = (least < DEAD_SHARE * uses.mean(-1)) & (most > 1)
        rows, idle, busy = rows[is_dead], idle[is_dead], busy[is_dead]
        for vectors, used in self.layers[layer:]:
            shape = (*uses.shape, -1)
            used.view(shape)[rows, busy] *= 0.5
            used.view(shape)[rows, idle] = used.view(shape)[rows, busy]
            vectors.view(shape)[rows, idle] = vectors.view(shape)[rows, busy]
        self.layers[layer][0][rows, idle] *= 1 + SPLIT
