"""Delta: all probability on one point."""

from __future__ import annotations

import torch

from vaekit.distributions import Delta


def test_every_draw_is_the_point_and_carries_its_gradient() -> None:
    loc = torch.randn(4, 3, requires_grad=True)
    p = Delta(loc)
    assert (p.batch_shape, p.event_shape) == ((4,), (3,))
    draws = p.rsample((5,))
    assert torch.equal(draws, loc.expand(5, 4, 3))
    (gradient,) = torch.autograd.grad(draws.sum(), loc)
    assert torch.equal(gradient, torch.full_like(loc, 5.0))
    assert torch.equal(p.mean, loc)
    assert torch.equal(p.mode, loc)
    assert not p.variance.any()
    assert p.expand((2, 4)).sample().shape == (2, 4, 3)
