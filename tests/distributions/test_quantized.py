"""Quantized and UniformCodes: masses over codes, and the KL between them."""

from __future__ import annotations

import math

import torch
from torch.distributions import kl_divergence

from vaekit.distributions.quantized import Quantized, UniformCodes


def uniform(codebook: torch.Tensor, grid: tuple[int, ...]) -> UniformCodes:
    return UniformCodes(lambda codes: codebook[codes], codebook.mean(0), len(codebook), grid)


def test_the_kl_is_log_of_the_codes_at_every_position() -> None:
    """A point mass against the uniform: log K a position, also as the mean of log q - log p."""
    codebook = torch.randn(8, 5, dtype=torch.float64)
    codes = torch.randint(8, (3, 2, 4))
    q, p = Quantized(codebook[codes].movedim(-1, 1), codes), uniform(codebook, (2, 4))
    assert (q.batch_shape, q.event_shape, p.event_shape) == ((3,), (5, 2, 4), (5, 2, 4))
    expected = torch.full((3,), 8 * math.log(8), dtype=torch.float64)
    torch.testing.assert_close(kl_divergence(q, p), expected)
    z = q.rsample((6,))
    torch.testing.assert_close((q.log_prob(z) - p.log_prob(z)).mean(0), expected)
    assert torch.equal(z[5], q.mean)


def test_uniform_draws_are_codes_equally_often() -> None:
    codebook = torch.arange(4, dtype=torch.float64)[:, None] * torch.ones(1, 3, dtype=torch.float64)
    p = uniform(codebook, (2, 2))
    draws = p.sample((5000,))
    assert draws.shape == (5000, 3, 2, 2)
    assert bool((draws == draws[:, :1]).all())  # whole vectors of the codebook
    counts = torch.bincount(draws[:, 0].flatten().long(), minlength=4) / 20_000
    torch.testing.assert_close(counts, torch.full((4,), 0.25), rtol=0, atol=0.02)
    torch.testing.assert_close(p.mean, torch.full((3, 2, 2), 1.5, dtype=torch.float64))
