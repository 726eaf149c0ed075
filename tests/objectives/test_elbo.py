"""ELBO: the article's formula, beta, free bits, and how it averages."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch.distributions import Bernoulli as BernoulliDistribution
from torch.distributions import Independent, Normal

from vaekit import (
    CIWAE,
    ELBO,
    IWAE,
    MIWAE,
    MLP,
    PIWAE,
    VAE,
    Bernoulli,
    Deterministic,
    DiagonalGaussian,
    Gaussian,
    Layer,
    Linear,
    Objective,
    Reconstruction,
    Renyi,
    StandardNormal,
    Trace,
    UserError,
)


def made(batch: int = 6, latent: int = 3, K: int = 2) -> dict[str, torch.Tensor]:
    return {
        "mu": torch.randn(batch, latent, dtype=torch.float64, requires_grad=True),
        "logvar": torch.randn(batch, latent, dtype=torch.float64, requires_grad=True),
        "eps": torch.randn(K, batch, latent, dtype=torch.float64),
        "logits": torch.randn(K, batch, 5, dtype=torch.float64, requires_grad=True),
        "x": torch.rand(batch, 5, dtype=torch.float64),
    }


def trace_of(parts: dict[str, torch.Tensor]) -> Trace:
    qz = Independent(Normal(parts["mu"], (parts["logvar"] / 2).exp()), 1)
    pz = StandardNormal(parts["mu"].shape[-1]).double()(None)
    z = parts["mu"] + (parts["logvar"] / 2).exp() * parts["eps"]
    px = Independent(
        BernoulliDistribution(logits=parts["logits"], validate_args=False), 1, validate_args=False
    )
    return Trace(parts["x"], [Layer(z, qz, pz)], px)


def test_the_bernoulli_loss_is_the_articles() -> None:
    """Summed cross-entropy - 1/2 sum(1 + log sigma^2 - mu^2 - sigma^2), per example. Kingma and Welling, 2014."""
    vae = VAE(DiagonalGaussian(MLP(12, 8), 3), StandardNormal(3), Bernoulli(MLP(3, 8), 12)).double()
    x = torch.rand(7, 12, dtype=torch.float64)
    torch.manual_seed(1)
    loss = ELBO()(vae(x)).total
    torch.manual_seed(1)
    mu, logvar = vae.posterior.head(vae.posterior.net(x))
    z = mu + (0.5 * logvar).exp() * torch.randn_like(mu)
    (logits,) = vae.likelihood.head(vae.likelihood.net(z))
    bce = F.binary_cross_entropy(torch.sigmoid(logits), x, reduction="sum")
    kld = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    torch.testing.assert_close(loss, (bce + kld) / len(x), rtol=1e-12, atol=0)


def test_terms_keep_their_signs_and_names() -> None:
    """`elbo` is the bound whatever beta is; `distortion` and `rate` are costs; `total` is their weighted sum."""
    trace = trace_of(made())
    for beta in (0.0, 1.0, 4.0):
        loss = ELBO(beta=beta)(trace)
        assert {name: term.shape for name, term in loss.terms.items()} == dict.fromkeys(
            ("elbo", "distortion", "rate"), (6,)
        )
        torch.testing.assert_close(loss.terms["distortion"], -trace.log_px.mean(0))
        torch.testing.assert_close(loss.terms["rate"], trace.kl)
        torch.testing.assert_close(loss.terms["elbo"], trace.log_px.mean(0) - trace.kl)
        total = loss.terms["distortion"] + beta * loss.terms["rate"]
        torch.testing.assert_close(loss.total, total.mean())
    assert bool((loss.terms["rate"] > 0).all())
    assert bool((loss.terms["distortion"] > 0).all())


# Objectives that score each example by itself; those that compare the batch's codes have tests of their own.
OBJECTIVES = [
    ELBO(),
    ELBO(beta=3.0),
    ELBO(free_bits=0.5),
    Reconstruction(),
    IWAE(2),
    IWAE(2, estimator="dreg"),
    MIWAE(1, 2),
    PIWAE(2, 1),
    CIWAE(2, beta=0.25),
    Renyi(0.5, num_samples=2),
]


@pytest.mark.parametrize("objective", OBJECTIVES, ids=repr)
def test_the_loss_is_a_mean_over_the_batch_and_a_sum_over_the_event(objective: Objective) -> None:
    """Each example twice changes nothing; each element of x twice doubles the distortion."""
    parts = made()
    doubled = {k: torch.cat([v, v], 1 if k in ("eps", "logits") else 0) for k, v in parts.items()}
    once, twice = objective(trace_of(parts)), objective(trace_of(doubled))
    torch.testing.assert_close(once.total, twice.total)
    for name, term in once.terms.items():
        torch.testing.assert_close(twice.terms[name], torch.cat([term, term]))
    wide = parts | {k: torch.cat([parts[k], parts[k]], -1) for k in ("x", "logits")}
    torch.testing.assert_close(objective(trace_of(wide)).terms["distortion"], 2 * once.terms["distortion"])


def test_free_bits_act_on_the_batch_mean_of_each_dimension() -> None:
    """Kingma et al., 2016: sum over dimensions of max(free bits, mean over the batch of its KL)."""
    parts = made()
    with torch.no_grad():
        parts["mu"][:, 0], parts["logvar"][:, 0] = 0.01, 0.0  # carries nothing, under the free bits
        parts["mu"][:, 1] = 3.0
        # Above the free bits in the batch's mean, 4.5 / 6, though most examples carry nothing.
        parts["mu"][:, 2], parts["logvar"][:, 2] = 0.0, 0.0
        parts["mu"][0, 2] = 3.0
    trace, free = trace_of(parts), 0.5
    kl = trace.layers[0].kl_per_dimension.detach()
    paid = [max(free, float(k)) for k in kl.mean(0)]
    assert [float(k) > free for k in kl.mean(0)] == [False, True, True]
    loss = ELBO(beta=2.0, free_bits=free)(trace)
    expected = float(loss.terms["distortion"].detach().mean()) + 2.0 * sum(paid)
    assert float(loss.total.detach()) == pytest.approx(expected, rel=1e-12)
    torch.testing.assert_close(loss.terms["rate"], trace.kl)  # the log tells the truth
    kl_gradient = torch.autograd.grad(loss.total, parts["mu"])[0]  # the trace's px does not depend on mu here
    assert not kl_gradient[:, 0].any()
    assert bool((kl_gradient[:, 1] != 0).all())
    torch.testing.assert_close(kl_gradient[:, 2], 2.0 * parts["mu"][:, 2].detach() / 6)


def test_layers_are_added_and_named() -> None:
    trace = trace_of(made())
    trace.layers.append(trace.layers[0])
    terms = ELBO()(trace).terms
    torch.testing.assert_close(terms["rate"], terms["rate_1"] + terms["rate_2"])


def test_a_schedule_sets_beta_by_the_epoch() -> None:
    trace, objective = trace_of(made()), ELBO(beta=Linear(epochs=10, end=2.0))
    for epoch, beta in ((0.0, 0.0), (2.5, 0.5), (10.0, 2.0), (50.0, 2.0)):
        objective.epoch.fill_(epoch)
        torch.testing.assert_close(objective(trace).total, ELBO(beta=beta)(trace).total)
    assert not objective.state_dict()  # the clock belongs to the loop


def test_a_step_compiles_into_one_graph() -> None:
    """Pass, bound and the running scale of an optimal Gaussian, traced whole and equal to the plain step."""
    model = VAE(DiagonalGaussian(MLP(12, 8), 3), StandardNormal(3), Gaussian(MLP(3, 8), 12, scale="optimal"))
    objective, x = ELBO(beta=Linear(epochs=2)), torch.rand(7, 12)

    def step(x: torch.Tensor) -> torch.Tensor:
        return objective(model(x)).total

    losses = []
    for run in (step, torch.compile(step, backend="eager", fullgraph=True)):
        torch.manual_seed(0)
        losses.append(run(x))
    assert torch.equal(*losses)


def test_negative_weights_are_refused() -> None:
    with pytest.raises(UserError, match="beta=-1"):
        ELBO(beta=-1)
    with pytest.raises(UserError, match=r"free_bits=-0\.5"):
        ELBO(free_bits=-0.5)


def test_an_autoencoder_has_no_elbo_but_a_reconstruction() -> None:
    model = VAE(Deterministic(MLP(12, 8), 3), StandardNormal(3), Bernoulli(MLP(3, 8), 12))
    with pytest.raises(UserError, match="Reconstruction"):
        ELBO().check(model)
    Reconstruction().check(model)
    x = torch.rand(7, 12)
    loss = Reconstruction()(model(x))
    expected = F.binary_cross_entropy(model.reconstruct(x), x, reduction="sum") / 7
    torch.testing.assert_close(loss.total.detach(), expected)
    for ask in (model.elbo, model.log_prob):
        with pytest.raises(UserError, match="autoencoder"):
            ask(x)
