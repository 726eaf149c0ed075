"""Planar: the map z + u tanh(w z + b) of the first normalizing flows."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

BISECTIONS = 60


class Planar:
    """f(z) = z + u tanh(w^T z + b), u bent so that f is invertible. Rezende and Mohamed, "Variational Inference with
    Normalizing Flows", 2015.

    Args:
        u, w: (..., D).
        b: (...).
    """

    def __init__(self, u: Tensor, w: Tensor, b: Tensor) -> None:
        # w^T u >= -1 is needed (appendix A.1): its part along w is raised where it is not.
        along = (w * u).sum(-1, keepdim=True)
        self.w, self.b = w, b
        self.u = u + (F.softplus(along) - 1 - along) * w / (w.square().sum(-1, keepdim=True) + 1e-8)
        self.slope = (self.w * self.u).sum(-1)

    def call_and_ladj(self, x: Tensor) -> tuple[Tensor, Tensor]:
        h = torch.tanh((self.w * x).sum(-1) + self.b)
        return x + self.u * h.unsqueeze(-1), self._ladj(h)

    def _ladj(self, h: Tensor) -> Tensor:
        return torch.log1p((1 - h.square()) * self.slope)

    @property
    def inv(self) -> PlanarInverse:
        return PlanarInverse(self)


class PlanarInverse:
    """The inverse: a = w^T z solves a + w^T u tanh(a + b) = w^T f(z), which rises in a; found by bisection."""

    def __init__(self, forward: Planar) -> None:
        self.inv = forward

    def call_and_ladj(self, x: Tensor) -> tuple[Tensor, Tensor]:
        f = self.inv
        target = (f.w * x).sum(-1)
        with torch.no_grad():
            reach = f.slope.abs() + 1e-6
            low, high = target - reach, target + reach
            for _ in range(BISECTIONS):
                middle = (low + high) / 2
                below = middle + f.slope * torch.tanh(middle + f.b) < target
                low, high = torch.where(below, middle, low), torch.where(below, high, middle)
            a = (low + high) / 2
            rise = 1 + f.slope * (1 - torch.tanh(a + f.b).square())
        # One step of Newton's: it changes nothing but the gradient, which is that of the root.
        a = a - (a + f.slope * torch.tanh(a + f.b) - target) / rise
        h = torch.tanh(a + f.b)
        return x - f.u * h.unsqueeze(-1), -f._ladj(h)
