"""The ladder states one joint distribution, whichever way it is asked."""

from __future__ import annotations

import pytest
import torch

from vaekit import Bernoulli, LadderEncoder, LadderVAE, ResNetDecoder, UserError


def ladder(classes: int = 0) -> LadderVAE:
    torch.manual_seed(0)
    encoder = LadderEncoder((1, 9, 7), 8, (1, 1), condition=classes)
    last = ResNetDecoder((8, 5, 4), (9, 7), (8,), half=True)
    model = LadderVAE(encoder, Bernoulli(last, (1, 9, 7)), num_layers=(1, 2), latent=2)
    with torch.no_grad():  # away from the zero start, where prior and posterior are trivial
        for p in model.parameters():
            p.add_(0.2 * torch.randn_like(p))
    return model.double()


@pytest.mark.parametrize("classes", [0, 3])
def test_trace_is_the_joint_distribution(classes):
    model = ladder(classes)
    x, y = torch.rand(4, 1, 9, 7, dtype=torch.float64).round(), torch.arange(4) % 3
    trace = model(x, y, 3)
    z = torch.cat([layer.z.flatten(2) for layer in trace.layers], -1)
    assert z.shape == (3, 4, *model.latent_shape)
    log_pz = sum(layer.log_pz for layer in trace.layers)
    torch.testing.assert_close(model.log_prior(z, y), log_pz)
    expected = model.decode(z, y).log_prob(x) + log_pz - model.encode(x, y).log_prob(z)
    torch.testing.assert_close(trace.log_w, expected)


def test_analytic_kl_agrees_with_monte_carlo():
    model = ladder()
    x = torch.rand(2, 1, 9, 7, dtype=torch.float64).round()
    trace = model(x, None, 20_000)
    monte_carlo = sum((layer.log_qz - layer.log_pz).mean(0) for layer in trace.layers)
    torch.testing.assert_close(trace.kl, monte_carlo, rtol=0.02, atol=0.02)


def test_draws_from_the_chain_follow_the_trace():
    """Draws of `encode` and of the trace have the same mean log-density."""
    model = ladder()
    x = torch.rand(1, 1, 9, 7, dtype=torch.float64).round()
    qz = model.encode(x)
    of_chain = qz.log_prob(qz.sample((4000,))).mean()
    of_trace = sum(layer.log_qz for layer in model(x, None, 4000).layers).mean()
    torch.testing.assert_close(of_chain, of_trace, rtol=0.02, atol=0.2)


def test_priors_start_as_standard_normal():
    torch.manual_seed(0)
    encoder = LadderEncoder((1, 8, 8), 8, (1, 1))
    last = ResNetDecoder((8, 4, 4), (8, 8), (8,), half=True)
    model = LadderVAE(encoder, Bernoulli(last, (1, 8, 8)), num_layers=(1, 1), latent=2)
    for layer in model(torch.rand(2, 1, 8, 8)).layers:
        torch.testing.assert_close(layer.pz.mean, torch.zeros_like(layer.z[0]).expand_as(layer.pz.mean))
        torch.testing.assert_close(layer.pz.stddev, torch.ones_like(layer.pz.stddev))


def test_temperature_zero_is_the_mode():
    model = ladder()
    first, second = model.draw_prior(2, temperature=0.0)
    torch.testing.assert_close(first, second)


def test_what_does_not_fit_is_refused():
    encoder = LadderEncoder((1, 8, 8), 8, (1, 1))
    last = ResNetDecoder((8, 4, 4), (8, 8), (8,), half=True)
    with pytest.raises(UserError, match="one number for each"):
        LadderVAE(encoder, Bernoulli(last, (1, 8, 8)), num_layers=(1,))
    with pytest.raises(UserError, match="must take the last state"):
        LadderVAE(encoder, Bernoulli(ResNetDecoder(8, (8, 8), (8,)), (1, 8, 8)), num_layers=(1, 1))
