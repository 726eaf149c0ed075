"""HMC keeps volume and turns back; annealed and plain importance sampling both meet the exact evidence."""

from __future__ import annotations

import itertools
import math
import sys
from pathlib import Path

import pytest
import torch
from torch.distributions import MultivariateNormal

from vaekit import (
    MLP,
    VAE,
    Bernoulli,
    Codebook,
    Deterministic,
    DiagonalGaussian,
    GaussianPrior,
    HierarchicalVAE,
    StandardNormal,
    UniformCodesPrior,
    UserError,
    VectorQuantized,
)
from vaekit.data.dataset import Part
from vaekit.distributions.leapfrog import gradient, leapfrog
from vaekit.evaluation import ais, nll
from vaekit.evaluation.ais import interpolated, temperatures
from vaekit.evaluation.hmc import hmc_step
from vaekit.schema import Schema

sys.path.insert(0, str(Path(__file__).parent))
from linear_gaussian import LinearPosterior, TruePosterior, evidence, model_with, part_of

BANANA = torch.tensor([1.0, 0.3], dtype=torch.float64)


def banana(z: torch.Tensor) -> torch.Tensor:
    """A density with a gradient that is not linear."""
    return -0.5 * (z[..., 0] / 1.5) ** 2 - 0.5 * ((z[..., 1] - z[..., 0] ** 2) / 0.7) ** 2


def test_leapfrog_turns_back_on_itself() -> None:
    z, momentum = torch.randn(2, 5, 3, 2, dtype=torch.float64)
    size = torch.tensor([[0.1], [0.05], [0.2]], dtype=torch.float64)
    end, final, start_value, end_value = leapfrog(banana, z, momentum, size, 12)
    back, reversed_, there, here = leapfrog(banana, end, -final, size, 12)
    torch.testing.assert_close(back, z)
    torch.testing.assert_close(-reversed_, momentum)
    torch.testing.assert_close((there, here), (end_value, start_value))
    assert float((end - z).abs().max()) > 0.5


def test_leapfrog_keeps_volume() -> None:
    """The Jacobian of (z, p) -> (z', p') has determinant one, by differences of the integrator itself."""
    state, step = torch.tensor([0.3, -0.2, 0.8, 0.5], dtype=torch.float64), 1e-6
    size = torch.tensor([[0.2]], dtype=torch.float64)

    def flow(s: torch.Tensor) -> torch.Tensor:
        z, p, _, _ = leapfrog(banana, s[:2].view(1, 1, 2), s[2:].view(1, 1, 2), size, 7)
        return torch.cat([z.flatten(), p.flatten()])

    columns = [(flow(state + step * e) - flow(state - step * e)) / (2 * step) for e in torch.eye(4).double()]
    jacobian = torch.stack(columns, -1)
    assert float(torch.linalg.det(jacobian)) == pytest.approx(1.0, abs=1e-6)
    assert float((jacobian - torch.eye(4)).abs().max()) > 0.3


def test_leapfrog_keeps_energy_to_second_order() -> None:
    z, momentum = torch.randn(2, 40, 1, 2, dtype=torch.float64)
    errors = []
    for num in (10, 20, 40):
        size = torch.tensor([[1.0 / num]], dtype=torch.float64)
        _, final, start, end = leapfrog(banana, z, momentum, size, num)
        energy = (end - start) - 0.5 * (final.square() - momentum.square()).sum(-1)
        errors.append(float(energy.abs().median()))
    assert errors[0] / errors[1] == pytest.approx(4, rel=0.3)
    assert errors[1] / errors[2] == pytest.approx(4, rel=0.3)


def test_a_step_leaves_the_density_as_it_is() -> None:
    truth = MultivariateNormal(BANANA, torch.tensor([[1.0, 0.8], [0.8, 1.5]], dtype=torch.float64))
    z = truth.sample((4000, 1))
    size = torch.tensor([[0.6]], dtype=torch.float64)
    rates = []
    for _ in range(5):
        z, accept = hmc_step(truth.log_prob, z, size, 4)
        rates.append(float(accept.mean()))
    assert 0.5 < min(rates) < 0.99, "some trajectories are rejected, so the correction is at work"
    torch.testing.assert_close(z.mean((0, 1)), BANANA, atol=0.08, rtol=0)
    torch.testing.assert_close(torch.cov(z[:, 0].T), truth.covariance_matrix, atol=0.12, rtol=0)


def test_a_trajectory_that_diverges_is_rejected() -> None:
    z = torch.randn(10, 2, 2, dtype=torch.float64)
    moved, accept = hmc_step(banana, z, torch.full((2, 1), 1e6, dtype=torch.float64), 5)
    assert torch.equal(moved, z)
    assert not accept.any()


def test_the_gradient_is_that_of_each_example() -> None:
    z = torch.randn(3, 2, 2, dtype=torch.float64)
    _, slope = gradient(banana, z)
    step = torch.tensor([1e-6, 0.0], dtype=torch.float64)
    torch.testing.assert_close(
        slope[..., 0], (banana(z + step) - banana(z - step)) / 2e-6, atol=1e-6, rtol=1e-6
    )


@pytest.mark.parametrize("start", ["prior", "posterior"])
def test_annealing_and_importance_sampling_both_meet_the_exact_evidence(start: str) -> None:
    part, model = part_of(evidence().sample((60,))), model_with(LinearPosterior(spread=1.4))
    exact = -evidence().log_prob(part.raw)
    annealed = ais(model, part, num_chains=20, num_temperatures=60, num_leapfrog=5, start=start)  # type: ignore[arg-type]
    plain = nll(model, part, num_samples=2000)
    for result in (annealed, plain):
        # Jensen's gap is half the relative variance of the estimate, far below its own error here.
        assert abs(result.mean - float(exact.mean())) < 3 * result.sampling_error + 2e-3
        low, high = result.interval
        assert low < float(exact.mean()) < high
    assert abs(annealed.mean - plain.mean) < 3 * (annealed.sampling_error + plain.sampling_error)
    assert annealed.sampling_error < 0.05
    assert 0.5 < annealed.acceptance < 0.95


def test_annealing_meets_the_integral_of_a_decoder_where_importance_sampling_does_not() -> None:
    """Two latents and a bent decoder: log p(x) by quadrature. A narrow q(z|x) misses most of it, AIS does not care."""
    model = VAE(DiagonalGaussian(MLP(8, 4), 2), StandardNormal(2), Bernoulli(MLP(2, 16), 8)).double()
    with torch.no_grad():
        for parameter in model.likelihood.parameters():
            parameter.mul_(6)
        model.posterior.head.layer.bias[2:].fill_(-4.0)  # narrow
    raw = torch.randint(0, 2, (12, 8), dtype=torch.uint8)
    part = Part(raw, None, None, Schema("array", (8,), 0.0, 1.0, levels=2, dtype="uint8"))
    line = torch.linspace(-7, 7, 281, dtype=torch.float64)
    z = torch.stack(torch.meshgrid(line, line, indexing="ij"), -1).reshape(-1, 1, 2)
    with torch.no_grad():
        joint = model.log_prior(z) + model.decode(z).log_prob(raw.double())
    exact = -(joint.logsumexp(0) + 2 * math.log(14 / 280))
    found = ais(model, part, num_chains=20, num_temperatures=150, num_leapfrog=5, double=True)
    assert abs(found.mean - float(exact.mean())) < 4 * found.sampling_error
    assert found.sampling_error < 0.1
    assert nll(model, part, num_samples=20).mean > float(exact.mean()) + 1


def test_annealing_from_the_true_posterior_is_exact_from_the_first_weight() -> None:
    part = part_of(evidence().sample((5,)))
    result = ais(model_with(TruePosterior()), part, num_chains=2, num_temperatures=4, start="posterior")
    torch.testing.assert_close(result.values, -evidence().log_prob(part.raw))
    torch.testing.assert_close(result.ess, torch.full((5,), 2.0, dtype=torch.float64))


def test_more_temperatures_tighten_the_bound_from_the_prior() -> None:
    part, model = part_of(evidence().sample((150,))), model_with(TruePosterior())
    exact = -float(evidence().log_prob(part.raw).mean())
    gaps = [
        ais(model, part, num_chains=1, num_temperatures=t, num_leapfrog=3).mean - exact for t in (2, 8, 60)
    ]
    assert gaps[0] > gaps[1] > gaps[2] > -0.1
    assert gaps[2] < 0.25


def hierarchy(classes: int = 0) -> HierarchicalVAE:
    return HierarchicalVAE(
        posteriors=[
            DiagonalGaussian(MLP(6, 8, condition=classes), 2),
            DiagonalGaussian(MLP(6, 8, condition=2 + classes), 2),
        ],
        priors=[StandardNormal(2), GaussianPrior(MLP(2, 8, condition=classes), 2)],
        likelihood=Bernoulli(MLP(4, 8, condition=classes), 6),
    )  # fmt: skip


@pytest.mark.parametrize("classes", [0, 3])
def test_a_hierarchy_is_annealed_over_all_its_layers(classes: int) -> None:
    raw = torch.randint(0, 2, (12, 6), dtype=torch.uint8)
    part = Part(raw, torch.arange(12) % 3, None, Schema("array", (6,), 0.0, 1.0, levels=2, dtype="uint8"))
    model = hierarchy(classes).double()
    annealed = ais(model, part, num_chains=24, num_temperatures=60, num_leapfrog=5, double=True)
    plain = nll(model, part, num_samples=5000)
    assert abs(annealed.mean - plain.mean) < 4 * (annealed.sampling_error + plain.sampling_error) + 5e-3


def test_log_prior_is_the_joint_prior() -> None:
    model = hierarchy().double()
    z = model.draw_prior(7).unflatten(0, (7, 1))
    top, below = z.split([2, 2], -1)
    expected = model.priors[0](None).log_prob(top) + model.priors[1](top).log_prob(below)
    torch.testing.assert_close(model.log_prior(z), expected)
    flat = VAE(DiagonalGaussian(MLP(6, 4), 2), StandardNormal(2), Bernoulli(MLP(2, 4), 6))
    z = torch.randn(3, 5, 2)
    torch.testing.assert_close(flat.log_prior(z), torch.distributions.Normal(0, 1).log_prob(z).sum(-1))


def test_the_seed_decides_and_double_leaves_the_model_alone() -> None:
    part = part_of(torch.randn(3, 3))
    model = VAE(DiagonalGaussian(MLP(3, 4), 2), StandardNormal(2), Bernoulli(MLP(2, 4), 3))
    part.raw.clamp_(0, 1)
    few = {"num_chains": 3, "num_temperatures": 6, "num_leapfrog": 2}
    part = Part(part.raw, None, None, Schema("array", (3,), 0.0, 1.0))
    first, again, other = (ais(model, part, seed=s, **few).values for s in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    ais(model, part, double=True, **few)
    assert model.dtype == torch.float32


def test_the_path_runs_from_zero_to_one_and_step_sizes_follow_it() -> None:
    betas = temperatures(100)
    assert betas[0] == 0.0
    assert betas[-1] == 1.0
    gaps = [b - a for a, b in itertools.pairwise(betas)]
    assert min(gaps) > 0
    assert gaps[0] < gaps[50] / 5 > gaps[-1]
    sizes = interpolated(torch.tensor([[1.0], [3.0], [5.0]]), 10)
    torch.testing.assert_close(sizes[:, 0], torch.linspace(1, 5, 9))


def test_codes_that_no_gradient_moves_are_refused() -> None:
    book = Codebook(8, 3)
    quantized = VAE(
        VectorQuantized(MLP(6, 8), book, 4), UniformCodesPrior(book, 4), Bernoulli(MLP((3, 4), 8), 6)
    )
    part = Part(torch.rand(2, 6), None, None, Schema("array", (6,), 0.0, 1.0))
    with pytest.raises(UserError, match="codes"):
        ais(quantized, part)
    autoencoder = VAE(Deterministic(MLP(6, 4), 2), StandardNormal(2), Bernoulli(MLP(2, 4), 6))
    with pytest.raises(UserError, match="autoencoder"):
        ais(autoencoder, part)
    with pytest.raises(UserError, match="at least 1"):
        ais(hierarchy(), part, num_chains=0)
