"""The linear Gaussian VAE, whose every quantity has a closed form: bounds, evidence, KL and the best it can reach."""

from __future__ import annotations

import math

import pytest
import torch
from sklearn.decomposition import PCA
from torch import Tensor
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
    kl_divergence,
)

from vaekit import ELBO, MLP, VAE, DiagonalGaussian, Gaussian, GaussianPrior, StandardNormal
from vaekit.trace import Layer

D, LATENT, N = 6, 2, 300


def linear_vae() -> VAE:
    """q(z|x) and p(x|z) linear in their argument, one sigma: probabilistic PCA. Float64."""
    torch.manual_seed(0)
    posterior = DiagonalGaussian(MLP(D, ()), LATENT)
    return VAE(posterior, StandardNormal(LATENT), Gaussian(MLP(LATENT, ()), D, scale="learned")).double()


def data() -> Tensor:
    """(N, D), two directions that stand out of noise, off the origin."""
    generator = torch.Generator().manual_seed(1)
    z = torch.randn(N, LATENT, generator=generator, dtype=torch.float64)
    directions = torch.randn(LATENT, D, generator=generator, dtype=torch.float64)
    return z @ directions + 0.5 * torch.randn(N, D, generator=generator, dtype=torch.float64) + 1.0


def decoder(vae: VAE) -> tuple[Tensor, Tensor, Tensor]:
    """W (D, LATENT), b (D,) and sigma^2 of p(x|z) = N(W z + b, sigma^2)."""
    layer = vae.likelihood.head.layer
    return layer.weight, layer.bias, vae.likelihood.scale().square()


def exact_evidence(vae: VAE, x: Tensor) -> Tensor:
    """log p(x) = log N(x; b, W W^T + sigma^2), (N,)."""
    W, b, variance = decoder(vae)
    return MultivariateNormal(b, W @ W.T + variance * torch.eye(D, dtype=x.dtype)).log_prob(x)


def exact_elbo(vae: VAE, x: Tensor) -> Tensor:
    """E_q log p(x|z) - KL with both in closed form, (N,)."""
    W, b, variance = decoder(vae)
    qz = vae.encode(x)
    mu, s2 = qz.mean, qz.variance
    error = (x - mu @ W.T - b).square().sum(-1) + s2 @ W.square().sum(0)
    log_px = -0.5 * (error / variance + D * (2 * math.pi * variance).log())
    return log_px + 0.5 * (1 + s2.log() - mu.square() - s2).sum(-1)


@pytest.fixture(scope="module")
def trained() -> VAE:
    """Trained on the ELBO by L-BFGS; the seed in the loss makes it a function of the weights."""
    vae, x, objective = linear_vae(), data(), ELBO()
    optimizer = torch.optim.LBFGS(
        vae.parameters(), max_iter=200, history_size=20, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        optimizer.zero_grad()
        torch.manual_seed(0)
        total = objective(vae(x, num_samples=64)).total
        total.backward()
        return total

    optimizer.step(loss)
    return vae.eval().requires_grad_(False)


def test_a_linear_vae_reaches_probabilistic_pca(trained: VAE) -> None:
    """Its ELBO has no other maximum than pPCA's likelihood. Lucas et al., "Don't Blame the ELBO!", 2019."""
    x = data()
    best = PCA(LATENT).fit(x.numpy()).score(x.numpy())
    assert float(exact_evidence(trained, x).mean()) == pytest.approx(best, abs=0.01)
    assert float(exact_elbo(trained, x).mean()) == pytest.approx(best, abs=0.01)
    assert float(trained.elbo(x, num_samples=500).mean()) == pytest.approx(best, abs=0.01)


def blurred(vae: VAE) -> VAE:
    """The same model with a posterior that is wrong, so that bounds and evidence differ."""
    wrong = linear_vae()
    wrong.load_state_dict(vae.state_dict())
    with torch.no_grad():
        bias = wrong.posterior.head.layer.bias
        bias[:LATENT] += 0.1
        bias[LATENT:] += 0.5  # logvar
    return wrong.eval().requires_grad_(False)


def test_log_prob_is_the_evidence(trained: VAE) -> None:
    x, vae = data()[:50], blurred(trained)
    torch.manual_seed(0)
    estimate, exact = vae.log_prob(x, num_samples=5000), exact_evidence(vae, x)
    assert float(estimate.mean()) == pytest.approx(float(exact.mean()), abs=0.01)
    assert float((estimate - exact).abs().max()) < 0.1
    assert (
        float((exact - exact_elbo(vae, x)).mean()) > 0.05
    )  # the posterior is wrong enough for this to say something


def test_log_prob_does_not_depend_on_its_chunks(trained: VAE) -> None:
    x = data()[:20]
    whole, pieces = (blurred(trained).log_prob(x, num_samples=2000, chunk=chunk) for chunk in (2000, 7))
    torch.testing.assert_close(whole, pieces, rtol=0, atol=0.1)


def test_the_sampled_elbo_is_the_exact_elbo_on_average(trained: VAE) -> None:
    """Both ways to sample it: with the KL in closed form, and by log w."""
    x, vae, num_samples = data()[:50], blurred(trained), 4000
    exact = exact_elbo(vae, x)
    trace = vae(x, num_samples=num_samples)
    for draws in (trace.log_px - trace.kl, trace.log_w):
        z_score = (draws.mean(0) - exact) / (draws.std(0) / math.sqrt(num_samples))
        assert float(z_score.abs().max()) < 5
    torch.testing.assert_close(vae.elbo(x, num_samples=num_samples), exact, rtol=0, atol=0.2)
    terms = ELBO()(trace).terms
    torch.testing.assert_close(terms["elbo"], (trace.log_px - trace.kl).mean(0))


def test_the_importance_weighted_bound_rises_from_the_elbo_to_the_evidence(trained: VAE) -> None:
    """Burda et al., 2016, theorem 1."""
    x, vae = data()[:50], blurred(trained)
    log_w = vae(x, num_samples=4096).log_w
    bounds = {}
    for K in (1, 2, 8, 64):
        groups = log_w.reshape(-1, K, len(x))
        bounds[K] = float((groups.logsumexp(1) - math.log(K)).mean())
    assert bounds[1] == pytest.approx(float(exact_elbo(vae, x).mean()), abs=0.02)
    assert bounds[1] < bounds[2] < bounds[8] < bounds[64] < float(exact_evidence(vae, x).mean()) + 0.005
    assert bounds[64] == pytest.approx(float(exact_evidence(vae, x).mean()), abs=0.02)


@pytest.mark.parametrize("prior", ["standard", "conditional"])
def test_the_closed_kl_is_the_mean_of_log_q_minus_log_p(prior: str) -> None:
    torch.manual_seed(0)
    x = torch.randn(8, D, dtype=torch.float64)
    qz = DiagonalGaussian(MLP(D, ()), LATENT).double()(x)
    if prior == "standard":
        pz = StandardNormal(LATENT).double()(None)
    else:
        pz = GaussianPrior(MLP(3, ()), LATENT).double()(torch.randn(8, 3, dtype=torch.float64))
    num_samples = 20_000
    layer = Layer(qz.rsample((num_samples,)), qz, pz)
    draws = layer.log_qz - layer.log_pz
    error = 5 * draws.std(0) / math.sqrt(num_samples)
    assert bool(((layer.kl - draws.mean(0)).abs() <= error).all())
    torch.testing.assert_close(layer.kl_per_dimension.sum(-1), layer.kl)
    assert layer.kl_per_dimension.shape == (8, LATENT)


def test_without_a_closed_form_the_kl_is_sampled() -> None:
    """One Gaussian written as a mixture of one: torch knows no KL to it, and the value must not change."""
    qz = DiagonalGaussian(MLP(D, ()), LATENT).double()(torch.randn(4, D, dtype=torch.float64))
    zeros = torch.zeros(1, LATENT, dtype=torch.float64)
    mixture = MixtureSameFamily(Categorical(torch.ones(1).double()), Independent(Normal(zeros, zeros + 1), 1))
    z = qz.rsample((50_000,))
    sampled = Layer(z, qz, mixture)
    closed = Layer(z, qz, StandardNormal(LATENT).double()(None))
    torch.testing.assert_close(sampled.log_pz, closed.log_pz)
    torch.testing.assert_close(sampled.kl, closed.kl, rtol=0.05, atol=0.02)
    assert sampled.kl_per_dimension.shape == (4, 1)


def test_the_kl_of_a_posterior_that_depends_on_the_draws_above_is_their_mean() -> None:
    """Batch shape (K, B), as in the lower layers of a hierarchy."""
    posterior, prior = DiagonalGaussian(MLP(D, ()), LATENT), GaussianPrior(MLP(3, ()), LATENT)
    qz, pz = posterior(torch.randn(5, 8, D)), prior(torch.randn(5, 8, 3))
    layer = Layer(qz.rsample(), qz, pz)
    torch.testing.assert_close(layer.kl, kl_divergence(qz, pz).mean(0))
    assert layer.kl_per_dimension.shape == (8, LATENT)


def test_sampled_gradients_are_the_exact_elbos_gradients(trained: VAE) -> None:
    """Reparameterized gradients have the gradient of the exact bound as their mean."""
    x, vae = data()[:20], blurred(trained).requires_grad_(True)
    weights = list(vae.parameters())
    exact = torch.autograd.grad(-exact_elbo(vae, x).mean(), weights)
    draws = [torch.autograd.grad(ELBO()(vae(x, num_samples=100)).total, weights) for _ in range(100)]
    for i, gradient in enumerate(exact):
        sampled = torch.stack([d[i] for d in draws])
        error = 5 * sampled.std(0) / math.sqrt(len(draws)) + 1e-9
        assert bool(((sampled.mean(0) - gradient).abs() <= error).all())


def test_the_gradient_is_the_slope_of_the_loss() -> None:
    """With the noise held fixed the loss is a function of the weights; central differences give its slope."""
    x, vae = data()[:20], linear_vae()
    weights = list(vae.parameters())

    def loss() -> Tensor:
        torch.manual_seed(0)
        return ELBO(beta=0.7)(vae(x, num_samples=3)).total

    gradients = torch.autograd.grad(loss(), weights)
    torch.manual_seed(1)
    directions = [torch.randn_like(w) for w in weights]
    slope = sum((g * d).sum() for g, d in zip(gradients, directions, strict=True))
    values, step = [], 1e-5
    with torch.no_grad():
        for move in (step, -2 * step):
            for weight, direction in zip(weights, directions, strict=True):
                weight += move * direction
            values.append(loss())
    assert float(slope) == pytest.approx(float(values[0] - values[1]) / (2 * step), rel=1e-6)
