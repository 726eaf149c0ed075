"""The hierarchical and the vector-quantized model keep the contracts of the flat one."""

from __future__ import annotations

import math

import pytest
import torch

from vaekit import (
    ELBO,
    MLP,
    VAE,
    Bernoulli,
    Codebook,
    DiagonalGaussian,
    GaussianPrior,
    HierarchicalVAE,
    StandardNormal,
    UniformCodesPrior,
    UserError,
    VectorQuantized,
)


def two_layers(classes: int = 0) -> HierarchicalVAE:
    torch.manual_seed(0)
    return HierarchicalVAE(
        posteriors=[
            DiagonalGaussian(MLP(6, 8, condition=classes), 3),
            DiagonalGaussian(MLP(6, 8, condition=3 + classes), 2),
        ],
        priors=[StandardNormal(3), GaussianPrior(MLP(3, 8, condition=classes), 2)],
        likelihood=Bernoulli(MLP(5, 8, condition=classes), 6),
    ).double()


def quantized() -> VAE:
    torch.manual_seed(0)
    book = Codebook(8, 3)
    return VAE(
        VectorQuantized(MLP(6, 8), book, 4),
        UniformCodesPrior(book, 4),
        Bernoulli(MLP((3, 4), 8), 6),
    )


def test_trace_is_the_joint_distribution():
    """log w of the trace equals log p(x, z) - log q(z|x) by the joint distributions that the model states."""
    model = two_layers()
    x = torch.rand(4, 6, dtype=torch.float64).round()
    trace = model(x, None, 7)
    z = torch.cat([layer.z for layer in trace.layers], -1)
    assert z.shape == (7, 4, 5)
    log_pz = trace.layers[0].log_pz + trace.layers[1].log_pz
    expected = model.decode(z).log_prob(x) + log_pz - model.encode(x).log_prob(z)
    torch.testing.assert_close(trace.log_w, expected)


def test_analytic_kl_agrees_with_monte_carlo():
    model = two_layers()
    x = torch.rand(3, 6, dtype=torch.float64)
    trace = model(x, None, 100_000)
    monte_carlo = sum((layer.log_qz - layer.log_pz).mean(1 - 1) for layer in trace.layers)
    torch.testing.assert_close(trace.kl, monte_carlo, rtol=0.02, atol=0.01)


@pytest.mark.parametrize("bottom", [0, 3, 4, 7])
def test_lower_posteriors_read_what_their_condition_says(bottom):
    """q(z1|x), q(z1|x,z2), q(z1|x,y), q(z1|x,z2,y): the closed KL is that of the draws for each."""
    torch.manual_seed(0)
    model = HierarchicalVAE(
        posteriors=[DiagonalGaussian(MLP(6, 8), 3), DiagonalGaussian(MLP(6, 8, condition=bottom), 2)],
        priors=[StandardNormal(3), GaussianPrior(MLP(3, 8), 2)],
        likelihood=Bernoulli(MLP(5, 8, condition=4), 6),
    ).double()
    x, y = torch.rand(3, 6, dtype=torch.float64), torch.arange(3)
    trace = model(x, y, 50_000)
    assert trace.layers[1].kl_per_dimension.shape == (3, 2)
    monte_carlo = sum((layer.log_qz - layer.log_pz).mean(0) for layer in trace.layers)
    torch.testing.assert_close(trace.kl, monte_carlo, rtol=0.02, atol=0.02)
    takes_class = bottom in (4, 7)
    changed = not torch.allclose(model.embed(x, y)[:, 3:], model.embed(x, (y + 1) % 4)[:, 3:])
    assert changed == takes_class


def test_prior_draws_follow_the_chain():
    """The lower layer's draws have the mean that its prior gives for the layer above."""
    model = two_layers()
    z = model.draw_prior(50_000)
    top, bottom = z.split([3, 2], -1)
    assert top.mean(0).abs().max() < 0.02
    residual = bottom - model.priors[1](top).mean
    assert residual.mean(0).abs().max() < 0.03


@pytest.mark.parametrize("classes", [0, 4])
def test_verbs(classes):
    model = two_layers(classes)
    x, y = torch.rand(4, 6, dtype=torch.float64), torch.arange(4)
    assert model.elbo(x, y).shape == (4,)
    assert (model.log_prob(x, y, num_samples=200) >= model.elbo(x, y, num_samples=50) - 0.5).all()
    assert model.sample(5).shape == model.reconstruct(x[:1].expand(5, -1), y[:1].expand(5)).shape
    assert model.embed(x, y).shape == (4, 5)
    assert ELBO()(model(x, y)).terms["rate_2"].shape == (4,)
    loss = ELBO()(model(x, y)).total
    loss.backward()
    assert all(p.grad is not None for p in model.parameters())


def test_quantized_rate_is_the_log_of_the_codes():
    model = quantized()
    x = torch.rand(16, 6)
    loss = ELBO()(model(x))
    torch.testing.assert_close(loss.terms["rate"], torch.full((16,), 4 * math.log(8)))
    assert (model.log_prob(x, num_samples=3) <= 0).all()
    # The whole batch at once or twice over: the commitment is per example, so the loss is the same.
    model.eval()
    once, twice = ELBO()(model(x)).total, ELBO()(model(torch.cat([x, x]))).total
    torch.testing.assert_close(once, twice)


def test_quantized_gradient_passes_straight_through():
    model = quantized()
    x = torch.rand(16, 6)
    ELBO()(model(x)).total.backward()
    assert model.posterior.net.layers[0].weight.grad.abs().sum() > 0
    qz = model.encode(x)
    vectors = model.posterior.codebook.vectors[qz.codes].movedim(-1, 1)
    torch.testing.assert_close(qz.mean, vectors)
    assert model.sample(5).shape == (5, 6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: HierarchicalVAE(
                [DiagonalGaussian(MLP(6, 8), 3)], [StandardNormal(3)], Bernoulli(MLP(3, 8), 6)
            ),
            "use VAE",
        ),
        (
            lambda: HierarchicalVAE(
                [DiagonalGaussian(MLP(6, 8), 3), DiagonalGaussian(MLP(6, 8, condition=3), 2)],
                [StandardNormal(3), StandardNormal(2)],
                Bernoulli(MLP(5, 8), 6),
            ),
            "must take the layer above",
        ),
        (
            lambda: HierarchicalVAE(
                [DiagonalGaussian(MLP(6, 8), 3), DiagonalGaussian(MLP(6, 8, condition=3), 2)],
                [StandardNormal(3), GaussianPrior(MLP(3, 8), 2)],
                Bernoulli(MLP(4, 8), 6),
            ),
            "expected the lowest",
        ),
    ],
)
def test_what_does_not_fit_is_refused(make, message):
    with pytest.raises(UserError, match=message):
        make()
