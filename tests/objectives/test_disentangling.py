"""Capacity, BetaTCVAE, FactorVAE, DIPVAE: closed forms of Gaussians, and who learns from what."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.distributions import Independent, MultivariateNormal, Normal

sys.path.insert(0, str(Path(__file__).parent))

from small_models import gradients, small_model, trace_at

from vaekit import (
    DIPVAE,
    ELBO,
    MLP,
    VAE,
    BetaTCVAE,
    Capacity,
    Deterministic,
    DiagonalGaussian,
    FactorVAE,
    Gaussian,
    GaussianPrior,
    HierarchicalVAE,
    Layer,
    Linear,
    StandardNormal,
    Trace,
    UserError,
)
from vaekit.objectives.beta_tcvae import log_weights, pairwise_log_prob
from vaekit.objectives.factor_vae import permuted

F64 = torch.float64


def batch(num: int = 6) -> tuple[Tensor, Tensor]:
    return torch.randn(num, 4, dtype=F64), torch.randn(1, num, 2, dtype=F64)


def codes(loc: Tensor, scale: Tensor) -> Trace:
    """A trace whose posteriors are given; the data does not matter."""
    qz = Independent(Normal(loc, scale), 1)
    z = qz.rsample((1,))
    x = torch.zeros(len(loc), 1, dtype=loc.dtype)
    pz = StandardNormal(loc.shape[1]).to(loc.dtype)(None)
    return Trace(x, [Layer(z, qz, pz)], Independent(Normal(z.mean(-1, keepdim=True), 1.0), 1))


def correlated(num: int, spread: float = 0.4, rho: float = 0.8) -> tuple[Trace, float]:
    """Posteriors N(mu, spread^2) whose aggregate is N(0, S) with correlation rho, and its total correlation."""
    covariance = torch.tensor([[1.0, rho], [rho, 1.0]], dtype=F64)
    loc = MultivariateNormal(torch.zeros(2, dtype=F64), covariance - spread**2 * torch.eye(2)).sample((num,))
    return codes(loc, torch.full_like(loc, spread)), -0.5 * math.log(1 - rho**2)


# Capacity


@pytest.mark.parametrize("capacity", [0.0, 1.0, 50.0])
def test_capacity_charges_the_distance_from_c(capacity: float) -> None:
    model, (x, noise) = small_model(), batch()
    trace = trace_at(model, x, noise)
    loss = Capacity(capacity, gamma=7.0)(trace)
    expected = -trace.log_px.mean() + 7.0 * (trace.kl.mean() - capacity).abs()
    torch.testing.assert_close(loss.total, expected)
    # Above C the rate is pushed down, below it up.
    slope = gradients(model, loss.total + trace.log_px.mean())["q"]
    kl_slope = gradients(model, trace.kl.mean())["q"]
    torch.testing.assert_close(
        slope, 7.0 * math.copysign(1, float(trace.kl.mean().detach()) - capacity) * kl_slope
    )


def test_capacity_rises_by_the_step() -> None:
    model, (x, noise) = small_model(), batch()
    trace, objective = trace_at(model, x, noise), Capacity(Linear(steps=100, end=10.0), gamma=1.0)
    objective.step.fill_(50)
    torch.testing.assert_close(objective(trace).total, Capacity(5.0, gamma=1.0)(trace).total)


# BetaTCVAE


@pytest.mark.parametrize("sampling", ["weighted", "stratified"])
def test_with_all_weights_one_it_is_the_sampled_elbo(sampling: str) -> None:
    model, (x, noise) = small_model(), batch()
    trace = trace_at(model, x, noise)
    objective = BetaTCVAE(beta=1.0, sampling=sampling)  # type: ignore[arg-type]
    objective.num_examples = 1000
    torch.testing.assert_close(objective(trace).total, -trace.log_w.mean())


@pytest.mark.parametrize("num_examples", [1500, 50_000])
def test_total_correlation_of_a_gaussian(num_examples: int) -> None:
    """-1/2 log(1 - rho^2) in closed form, whatever N the batch stands for."""
    trace, exact = correlated(1500)
    objective = BetaTCVAE()
    objective.num_examples = num_examples
    terms = objective(trace).terms
    assert float(terms["total_correlation"].mean()) == pytest.approx(exact, abs=0.06)
    # I(x; z) = H(z) - H(z|x), of Gaussians.
    mutual = 0.5 * math.log(1 - 0.64) - 2 * math.log(0.4)
    assert float(terms["mutual_information"].mean()) == pytest.approx(mutual, abs=0.06)
    assert float(terms["dimension_kl"].mean()) == pytest.approx(0.0, abs=0.05)


def test_stratified_weights_estimate_q_of_z_without_bias() -> None:
    """Over many batches out of N = 40 posteriors, the mean estimate of q(z) is the mixture of all 40."""
    num, size = 40, 8
    loc, scale = torch.randn(num, 1, dtype=F64), torch.full((num, 1), 0.2, dtype=F64)
    z = loc[:1] + 0.1
    exact = Normal(loc, scale).log_prob(z).exp().mean()
    estimates = []
    for _ in range(8000):
        index = torch.cat([torch.zeros(1, dtype=torch.long), 1 + torch.randperm(num - 1)[: size - 1]])
        pairs = pairwise_log_prob(Normal(loc[index], scale[index]), z.expand(size, 1)).sum(-1)
        estimates.append((pairs + log_weights(size, num, "stratified")).logsumexp(1).exp()[0])
    values = torch.stack(estimates)
    error = float(values.std() / math.sqrt(len(values)))
    assert float(values.mean()) == pytest.approx(float(exact), abs=4 * error)
    assert error < 0.02 * float(exact)


def test_pairs_are_densities_of_draws_under_examples() -> None:
    q, z = Normal(torch.randn(3, 2), torch.rand(3, 2) + 0.5), torch.randn(3, 2)
    for i in range(3):
        for j in range(3):
            expected = Normal(q.loc[j], q.scale[j]).log_prob(z[i])
            torch.testing.assert_close(pairwise_log_prob(q, z)[i, j], expected)


def test_beta_weighs_the_total_correlation() -> None:
    trace, exact = correlated(500)
    objectives = [BetaTCVAE(beta=b, sampling="stratified") for b in (1.0, 3.0)]
    low, high = (float(o(trace).total) for o in objectives)
    assert high - low == pytest.approx(2 * exact, abs=0.2)


# FactorVAE


def test_permutation_keeps_the_marginals_and_breaks_the_dependence() -> None:
    z = correlated(2000)[0].layers[0].z[0]
    mixed = permuted(z)
    torch.testing.assert_close(mixed.sort(0).values, z.sort(0).values)
    assert abs(float(torch.corrcoef(z.T)[0, 1])) > 0.75
    assert abs(float(torch.corrcoef(mixed.T)[0, 1])) < 0.08


def test_the_discriminator_learns_the_density_ratio_and_its_sign() -> None:
    """Trained on correlated codes, the mean logit is their total correlation, positive, as in closed form."""
    objective = FactorVAE(MLP(2, (32, 32))).double()
    optimizer = torch.optim.Adam(objective.parameters(), lr=5e-3)
    for _ in range(400):
        trace, exact = correlated(512)
        optimizer.zero_grad()
        objective(trace).total.backward()
        optimizer.step()
    trace, exact = correlated(20_000)
    value = float(objective(trace).terms["total_correlation"].mean().detach())
    assert value == pytest.approx(exact, abs=0.12)


def test_each_side_of_factor_vae_learns_from_its_own_loss() -> None:
    model, (x, noise) = small_model(), batch(8)
    objective = FactorVAE(MLP(2, (6,)), gamma=3.0).double()
    torch.manual_seed(0)
    loss = objective(trace_at(model, x, noise))
    # The model: ELBO and gamma times the logit at constant discriminator weights.
    trace = trace_at(model, x, noise)
    wanted = gradients(
        model, ELBO()(trace).total + 3.0 * objective.discriminator(trace.layers[0].z[0])[0].mean()
    )
    found = gradients(model, loss.total)
    torch.testing.assert_close(found["q"], wanted["q"])
    torch.testing.assert_close(found["p"], wanted["p"])
    # The discriminator: its mistakes alone.
    torch.manual_seed(0)
    z = trace.layers[0].z[0].detach()
    logits = objective.discriminator(torch.cat([z[:4], permuted(z[4:])]))[0]
    target = torch.tensor([1.0] * 4 + [0.0] * 4, dtype=F64)
    mistakes = 2 * torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
    parameters = list(objective.parameters())
    for ours, theirs in zip(
        torch.autograd.grad(loss.total, parameters), torch.autograd.grad(mistakes, parameters), strict=True
    ):
        torch.testing.assert_close(ours, theirs)


def test_a_batch_of_one_passes() -> None:
    model, (x, noise) = small_model(), batch(1)
    for objective in (FactorVAE(MLP(2, 3)).double(), BetaTCVAE(), DIPVAE(), Capacity(1.0)):
        assert bool(torch.isfinite(objective(trace_at(model, x, noise)).total))


# DIPVAE


@pytest.mark.parametrize("kind", ["i", "ii"])
def test_dip_covariances(kind: str) -> None:
    """The aggregate N(0, S): kind "ii" sees S itself, kind "i" the covariance of the means, S - spread^2."""
    trace, _ = correlated(40_000, spread=0.5, rho=0.6)
    objective = DIPVAE(kind=kind, lambda_od=2.0, lambda_d=3.0)  # type: ignore[arg-type]
    loss = objective(trace)
    diagonal = 0.0 if kind == "ii" else 2 * 0.25**2
    assert float(loss.terms["off_diagonal"].mean()) == pytest.approx(2 * 0.36, abs=0.03)
    assert float(loss.terms["diagonal"].mean()) == pytest.approx(diagonal, abs=0.02)
    penalty = loss.total - ELBO()(trace).total
    expected = 2 * loss.terms["off_diagonal"].mean() + 3 * loss.terms["diagonal"].mean()
    torch.testing.assert_close(penalty, expected)


def test_dip_default_weights_are_the_papers() -> None:
    trace, _ = correlated(100)
    for kind, ratio in (("i", 10.0), ("ii", 1.0)):
        objectives = [DIPVAE(kind=kind, lambda_od=5.0, lambda_d=d) for d in (None, 5.0 * ratio)]  # type: ignore[arg-type]
        torch.testing.assert_close(objectives[0](trace).total, objectives[1](trace).total)


# What makes no sense


def test_models_without_factorized_vectors_are_refused() -> None:
    auto = VAE(Deterministic(MLP(4, 5), 2), StandardNormal(2), Gaussian(MLP(2, 5), 4))
    grid = VAE(
        DiagonalGaussian(MLP(4, 5), (2, 1, 1)), StandardNormal((2, 1, 1)), Gaussian(MLP((2, 1, 1), 5), 4)
    )
    hierarchy = HierarchicalVAE(
        [DiagonalGaussian(MLP(4, 5), 2), DiagonalGaussian(MLP(4, 5, condition=2), 2)],
        [StandardNormal(2), GaussianPrior(MLP(2, 5), 2)],
        Gaussian(MLP(2, 5), 4),
    )
    for objective in (BetaTCVAE(), FactorVAE(MLP(2, 3)), DIPVAE()):
        objective.check(small_model())
        for model, why in ((auto, "deterministic"), (grid, "grid"), (hierarchy, "one latent layer")):
            with pytest.raises(UserError, match=why):
                objective.check(model)
    with pytest.raises(UserError, match=r"takes inputs of shape \(3,\); z has shape \(2,\)"):
        FactorVAE(MLP(3, 3)).check(small_model())


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(UserError, match='"i" and "ii"'):
        DIPVAE(kind="iii")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="stratified"):
        BetaTCVAE(sampling="stratifed")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="at least 0"):
        Capacity(-1.0)
    with pytest.raises(UserError, match="without a condition"):
        FactorVAE(MLP(2, 3, condition=1))
