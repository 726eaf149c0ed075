"""HamiltonianPosterior: the tempered map has the Jacobian it counts on, and its bound is a bound and a tight one."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

from vaekit import (
    ELBO,
    IWAE,
    MLP,
    VAE,
    Bernoulli,
    Corrupted,
    Deterministic,
    DiagonalGaussian,
    Gaussian,
    GaussianPrior,
    HamiltonianPosterior,
    HierarchicalVAE,
    MixturePrior,
    StandardNormal,
    UserError,
    VampPrior,
    ais,
    evaluate,
    fit_prior,
    load_model,
    nll,
    save_model,
)
from vaekit.conditional import Posterior
from vaekit.distributions.leapfrog import leapfrog

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))
from linear_gaussian import LinearLikelihood, LinearPosterior, evidence, part_of

DOUBLE = torch.float64


def linear(base: Posterior, **options: float) -> VAE:
    """The linear-Gaussian model, whose evidence is known."""
    prior, likelihood = StandardNormal(2), LinearLikelihood()
    return VAE(HamiltonianPosterior(base, prior, likelihood, **options), prior, likelihood).double()  # type: ignore[arg-type]


def small(base: Posterior | None = None, prior: MixturePrior | None = None) -> VAE:
    shared = prior or StandardNormal(2), Gaussian(MLP(2, 8, activation="tanh"), 4, scale=0.5)
    base = base or DiagonalGaussian(MLP(4, 8, activation="tanh"), 2)
    return VAE(HamiltonianPosterior(base, *shared, step_size=0.2, tempering=0.3), *shared)


def test_tempering_shrinks_volume_by_the_factor_that_the_density_counts_on() -> None:
    """The determinant of (z, rho) -> (z_K, rho_K), by differences, is beta_0 ** (D / 2); a trajectory turns back."""
    model = small().double()
    qz = model.posterior(torch.randn(1, 4, dtype=DOUBLE))
    factors = [f.detach() for f in qz.factors()]
    assert float(torch.stack(factors).prod()) == pytest.approx(0.3**0.5)
    assert all(float(f) < 1 for f in factors)

    def run(state: Tensor) -> Tensor:
        z, rho, _, _ = leapfrog(
            qz.log_density, state[:2].view(1, 1, 2), state[2:].view(1, 1, 2), qz.step_size.detach(), 3, factors=factors
        )
        return torch.cat([z.flatten(), rho.flatten()])

    state, step = torch.tensor([0.3, -0.2, 0.8, 0.5], dtype=DOUBLE), 1e-6
    columns = [(run(state + step * e) - run(state - step * e)) / (2 * step) for e in torch.eye(4).double()]
    assert float(torch.linalg.det(torch.stack(columns, -1))) == pytest.approx(0.3, abs=1e-6)
    z, rho = run(state).view(2, 1, 1, 2)
    for factor in reversed(factors):  # undo a step: the momentum's factor, then the leapfrog with the momentum turned
        z, rho, _, _ = leapfrog(qz.log_density, z, -rho / factor, qz.step_size.detach(), 1)
        rho = -rho
    torch.testing.assert_close(torch.cat([z.flatten(), rho.flatten()]), state)


@pytest.mark.parametrize("tempering", [0.3, 1.0])
def test_the_weights_are_unbiased_for_the_evidence(tempering: float) -> None:
    model = linear(LinearPosterior(1.5), num_leapfrog=3, step_size=0.3, tempering=tempering)
    x = evidence().sample((4,))
    with torch.no_grad():
        ratio = (model(x, num_samples=40_000).log_w - evidence().log_prob(x)).exp()
    error = ratio.std(0) / 200
    assert bool(((ratio.mean(0) - 1).abs() < 5 * error).all())
    assert float(error.max()) < 0.02


def test_the_bound_lies_below_the_evidence_and_above_the_plain_one() -> None:
    """Cooling takes volume away, which tightens the bound of a start that is too broad. Dynamics alone keep energy and
    volume, and with them the divergence of the pair (z, rho): without tempering the bound is the plain one."""
    x, base = evidence().sample((500,)), LinearPosterior(1.5)
    exact = float(evidence().log_prob(x).mean())

    @torch.no_grad()
    def gap(model: VAE) -> float:
        return exact - float(model.elbo(x, num_samples=200).mean())

    plain = gap(VAE(base, StandardNormal(2), LinearLikelihood()).double())
    tempered = gap(linear(base, num_leapfrog=3, step_size=0.3, tempering=0.7))
    assert 0.02 < tempered < 0.6 * plain
    assert gap(linear(base, num_leapfrog=3, step_size=0.05, tempering=1.0)) == pytest.approx(plain, abs=0.03)


def test_training_only_tightens_it() -> None:
    """Steps and tempering learn by the bound's gradient: from a poor choice to one that beats the plain bound."""
    x = evidence().sample((64,))
    exact = float(evidence().log_prob(x).mean())
    model = linear(LinearPosterior(1.5), step_size=0.2, tempering=0.4)
    optimizer = torch.optim.Adam([model.posterior.raw_step, model.posterior.raw_tempering], lr=0.05)
    gaps = []
    for _ in range(200):
        bound = model.elbo(x, num_samples=20).mean()
        optimizer.zero_grad()
        (-bound).backward()
        optimizer.step()
        gaps.append(exact - float(bound.detach()))
    plain = VAE(LinearPosterior(1.5), StandardNormal(2), LinearLikelihood()).double()
    first, last = sum(gaps[:10]) / 10, sum(gaps[-10:]) / 10
    assert 0 < last < 0.8 * first
    assert last < 0.7 * (exact - float(plain.elbo(x, num_samples=500).mean().detach()))


def test_importance_sampling_meets_the_evidence() -> None:
    part = part_of(evidence().sample((60,)))
    exact = -float(evidence().log_prob(part.raw).mean())
    found = nll(linear(LinearPosterior(1.4), step_size=0.3, tempering=0.8), part, num_samples=1000)
    assert abs(found.mean - exact) < 4 * found.sampling_error + 2e-3


@pytest.mark.parametrize("objective", [ELBO(), IWAE(3)], ids=["elbo", "iwae"])
def test_the_gradient_is_that_of_finite_differences(objective: ELBO | IWAE) -> None:
    """Through the trajectory, to the start, the steps, the tempering and the decoder alike."""
    model, x = small().double(), torch.randn(5, 4, dtype=DOUBLE)

    def loss() -> Tensor:
        torch.manual_seed(3)
        return objective(model(x, num_samples=objective.num_samples)).total

    names = [name for name, _ in model.named_parameters()]
    found = torch.autograd.grad(loss(), list(model.parameters()))
    assert {"posterior.raw_step", "posterior.raw_tempering"} <= set(names)
    for (name, weight), slope in zip(model.named_parameters(), found, strict=True):
        direction, step = torch.randn_like(weight), 1e-5
        values = []
        for sign in (1, -1):
            with torch.no_grad():
                weight.add_(sign * step * direction)
                values.append(float(loss()))
                weight.sub_(sign * step * direction)
        expected = (values[0] - values[1]) / (2 * step)
        assert float((slope * direction).sum()) == pytest.approx(expected, rel=1e-5, abs=1e-7), name


def test_a_class_and_a_mixture_prior_take_part() -> None:
    shared = MixturePrior(2, 3, condition=2), Bernoulli(MLP(2, 8, condition=2), 4)
    posterior = HamiltonianPosterior(DiagonalGaussian(MLP(4, 8), 2), *shared)
    model = VAE(posterior, *shared)
    x, y = (torch.rand(6, 4) > 0.5).float(), torch.arange(6) % 2
    ELBO()(model(x, y)).total.backward()
    assert all(w.grad is not None and bool(w.grad.isfinite().all()) for w in model.parameters())
    assert model.sample(4).shape == (4, 4)
    assert model.embed(x, y).shape == (6, 2)


def test_a_code_is_nearer_to_the_mode_and_no_trace_of_gradients_is_left() -> None:
    model, x = linear(LinearPosterior(), num_leapfrog=5, step_size=0.2, tempering=1.0), evidence().sample((8,))
    z = model.embed(x)
    assert not z.requires_grad
    torch.testing.assert_close(z, model.posterior.posterior(x).mean)  # it starts at the mode, and rests there
    assert not model.reconstruct(x).requires_grad


def test_it_is_saved_measured_and_drawn_from(tmp_path: Path) -> None:
    model, x = small(), torch.randn(6, 4)
    save_model(model, tmp_path)
    again = load_model(tmp_path)
    assert again.posterior.likelihood is again.likelihood
    torch.testing.assert_close(again.embed(x), model.eval().embed(x), rtol=0, atol=0)
    assert again.num_parameters == model.num_parameters
    linear_model, part = linear(LinearPosterior(1.4), step_size=0.3), part_of(evidence().sample((20,)))
    found = evaluate(linear_model, part, num_samples=50)
    assert found["nll"] < found["loss"]
    annealed = ais(linear_model, part, num_chains=4, num_temperatures=20, num_leapfrog=3)
    assert annealed.mean == pytest.approx(-float(evidence().log_prob(part.raw).mean()), abs=0.3)


def test_what_makes_no_sense_is_refused() -> None:
    prior, likelihood, base = StandardNormal(2), Bernoulli(MLP(2, 8), 4), DiagonalGaussian(MLP(4, 8), 2)
    posterior = HamiltonianPosterior(base, prior, likelihood)
    for wrapped in (posterior, Corrupted(posterior)):
        with pytest.raises(UserError, match="another prior or likelihood"):
            VAE(wrapped, StandardNormal(2), likelihood)
    with pytest.raises(UserError, match="another prior or likelihood"):
        HierarchicalVAE(
            [posterior, DiagonalGaussian(MLP(4, 8, condition=2), 2)],
            [prior, GaussianPrior(MLP(2, 8), 2)],
            likelihood,
        )
    with pytest.raises(UserError, match="from a known density"):
        HamiltonianPosterior(Deterministic(MLP(4, 8), 2), prior, likelihood)
    with pytest.raises(UserError, match="needs the gradient of log p"):
        HamiltonianPosterior(base, GaussianPrior(MLP(3, 8), 2), likelihood)
    with pytest.raises(UserError, match="a tempering above 0"):
        HamiltonianPosterior(base, prior, likelihood, tempering=0.0)
    with pytest.raises(UserError, match="mixes densities"):
        VampPrior(posterior, 5, in_shape=4)
    model = VAE(posterior, prior, likelihood)
    with pytest.raises(UserError, match="cannot be held constant"):
        IWAE(5, estimator="dreg").check(model)
    with pytest.raises(UserError, match="the draw just made alone"):
        model.encode(torch.zeros(2, 4)).log_prob(torch.zeros(2, 2))
    part = part_of(torch.randn(5, 3))
    with pytest.raises(UserError, match="moves its codes along the prior"):
        fit_prior(linear(LinearPosterior()), part)
    with pytest.raises(UserError, match='use start="prior"'):
        ais(linear(LinearPosterior()), part, start="posterior")
