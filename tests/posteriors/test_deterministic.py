"""Deterministic: one code for each x."""

from __future__ import annotations

import torch

from vaekit import MLP, Deterministic


def test_every_draw_is_the_code_and_the_gradient_passes() -> None:
    posterior = Deterministic(MLP(4, 8), 3)
    assert not posterior.is_density
    x = torch.randn(5, 4, requires_grad=True)
    qz = posterior(x)
    z = qz.rsample((2,))
    assert torch.equal(z[0], qz.mean)
    assert torch.equal(z[0], z[1])
    (gradient,) = torch.autograd.grad(z.sum(), x)
    assert bool(gradient.any())
