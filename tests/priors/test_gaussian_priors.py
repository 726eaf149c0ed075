"""StandardNormal and GaussianPrior: their densities, and where their parameters live."""

from __future__ import annotations

import math

import torch

from vaekit import MLP, GaussianPrior, StandardNormal


def test_standard_normal_is_n_0_1() -> None:
    pz = StandardNormal((2, 3)).double()(None)
    z = torch.randn(5, 2, 3, dtype=torch.float64)
    expected = -0.5 * (z.square() + math.log(2 * math.pi)).sum((1, 2))
    torch.testing.assert_close(pz.log_prob(z), expected)
    assert (pz.batch_shape, pz.event_shape) == ((), (2, 3))


def test_standard_normal_holds_no_weights_and_follows_its_model() -> None:
    prior = StandardNormal(3)
    assert not list(prior.parameters())
    assert not prior.state_dict()
    assert prior.double()(None).sample().dtype == torch.float64


def test_gaussian_prior_follows_its_context() -> None:
    prior = GaussianPrior(MLP(4, 8), 3).double()
    context = torch.randn(5, 4, dtype=torch.float64)
    mu, logvar = prior.head(prior.net(context))
    pz, z = prior(context), torch.randn(5, 3, dtype=torch.float64)
    expected = -0.5 * ((z - mu).square() / logvar.exp() + logvar + math.log(2 * math.pi)).sum(-1)
    torch.testing.assert_close(pz.log_prob(z), expected)
    assert prior.context_shape == (4,)
