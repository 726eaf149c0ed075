"""VectorQuantized: the discrete posterior of the VQ-VAE and its relatives."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from vaekit.conditional import Posterior
from vaekit.distributions.quantized import Quantized, on_grid
from vaekit.nets.net import Head, Net, as_shape
from vaekit.nets.quantizer import Quantizer


class VectorQuantized(Posterior):
    """q(z|x): at each position, the code nearest to the encoder's output. van den Oord et al., 2017.

    With a `ResidualCodebook` it is the posterior of the RQ-VAE, with a `HierarchicalCodebook` that of the HR-VQVAE,
    with a `ScalarCodebook` finite scalar quantization. The gradient passes straight through. `penalty` is the
    commitment, the squared distance from the encoder's output to its code, summed over positions.

    Args:
        net: the encoder network, taking x.
        codebook: the vectors; share it with the prior and they speak of the same codes.
        grid: shape of the positions, (h, w) for images; z has shape (dim, *grid).
        commitment: weight of the commitment.
    """

    support = "codes"

    def __init__(
        self, net: Net, codebook: Quantizer, grid: int | Sequence[int], *, commitment: float = 0.25
    ) -> None:
        super().__init__()
        self.net, self.codebook, self.commitment = net, codebook, commitment
        self.grid, self.condition = as_shape(grid), net.condition
        self.event_shape = (codebook.dim, *self.grid)
        self.head = Head(net.out_shape, self.event_shape, 1)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Quantized:
        assert context is not None
        (features,) = self.head(self.net(context, condition))
        tokens = features.flatten(2).movedim(1, 2)  # (B, P, dim)
        vectors, codes = self.codebook(tokens)
        distance = self.codebook.commitment(tokens, codes)
        return Quantized(
            on_grid(vectors, self.grid),
            codes.unflatten(1, self.grid),
            None if distance is None else self.commitment * distance,
            num_symbols=self.codebook.num_symbols,
        )
