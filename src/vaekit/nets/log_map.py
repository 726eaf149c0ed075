"""LogMap: points of the Poincaré ball as tangent vectors at its origin, which any network can read."""

from __future__ import annotations

from torch import Tensor

from vaekit.nets.net import Net
from vaekit.poincare import log_map_of_origin, require_curvature


class LogMap(Net):
    """The logarithmic map at the origin: z to the vector of its direction whose length is its hyperbolic distance from
    the origin. The first layer of a decoder that reads a `WrappedNormal`. Mathieu et al., "Continuous Hierarchical
    Representations with Poincaré Variational Auto-Encoders", 2019.

    Args:
        latent: number of dimensions D.
        curvature: c, that of posterior and prior.

    Raises:
        UserError: a size below 1, or a curvature that is not above 0.

    Example:
        >>> import torch
        >>> LogMap(2)(torch.tensor([0.5, 0.0]))  # 2 artanh(1/2)
        tensor([1.0986, 0.0000])
    """

    def __init__(self, latent: int, curvature: float = 1.0) -> None:
        super().__init__()
        require_curvature(curvature, latent, "LogMap")
        self.in_shape = self.out_shape = (latent,)
        self.curvature = curvature

    def transform(self, x: Tensor, condition: Tensor | None) -> Tensor:
        return log_map_of_origin(x, self.curvature)
