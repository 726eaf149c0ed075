"""VAEPrior: its estimate is unbiased for p(z) and below log p(z), so bounds of log p(x) stay bounds."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from torch.distributions import MultivariateNormal

from vaekit import (
    ELBO,
    MLP,
    VAE,
    Bernoulli,
    Deterministic,
    DiagonalGaussian,
    Gaussian,
    StandardNormal,
    UserError,
    VAEPrior,
    ais,
    load_model,
    nll,
    save_model,
)
from vaekit.conditional import Posterior

sys.path.insert(0, str(Path(__file__).parents[1] / "evaluation"))
from linear_gaussian import LinearLikelihood, LinearPosterior, TruePosterior, evidence, part_of

DOUBLE = torch.float64
SHIFT, STRETCH = torch.tensor([3.0, 0.0, -1.0]).double(), torch.tensor([2.0, 0.5, 1.0]).double()


def linear(posterior: Posterior, num_samples: int = 8) -> VAEPrior:
    """u in 2 dimensions, z in 3, all Gaussian: p(z) is known."""
    prior = VAEPrior(posterior, StandardNormal(2), LinearLikelihood(), num_samples=num_samples).double()
    prior.shift.copy_(SHIFT)
    prior.stretch.copy_(STRETCH)
    return prior.eval()


def exact() -> MultivariateNormal:
    inner = evidence()
    return MultivariateNormal(
        SHIFT + STRETCH * inner.loc, STRETCH[:, None] * inner.covariance_matrix * STRETCH[None, :]
    )


def small(condition: int = 0) -> VAEPrior:
    return VAEPrior(
        DiagonalGaussian(MLP(3, 8, condition=condition), 2),
        StandardNormal(2),
        Gaussian(MLP(2, 8, condition=condition), 3),
    )


def test_with_the_true_posterior_the_density_is_exact_and_so_is_the_training_bound() -> None:
    prior, z = linear(TruePosterior()), exact().sample((4, 7))
    torch.testing.assert_close(prior(None).log_prob(z), exact().log_prob(z))
    torch.testing.assert_close(linear(TruePosterior(), 1)(None).log_prob(z), exact().log_prob(z))


@pytest.mark.parametrize("num_samples", [1, 8])
def test_the_estimate_is_unbiased_and_lies_below(num_samples: int) -> None:
    z = exact().sample((3,))
    log_p = linear(LinearPosterior(spread=1.3), num_samples)(None).log_prob(z.expand(20_000, 3, 3)).detach()
    gap = log_p - exact().log_prob(z)
    error = gap.exp().std(0) / 20_000**0.5
    assert bool(((gap.exp().mean(0) - 1).abs() < 5 * error).all())
    assert float(error.max()) < 0.02
    assert bool((gap.mean(0) < -3 * gap.std(0) / 20_000**0.5).all())


def test_more_draws_tighten_the_bound_and_training_takes_the_elbo() -> None:
    z = exact().sample((40_000,))
    gaps = []
    for prior in (linear(LinearPosterior(1.3), 1).train(), *(linear(LinearPosterior(1.3), k) for k in (1, 4, 32))):
        gaps.append(float((exact().log_prob(z) - prior(None).log_prob(z)).mean().detach()))
    assert gaps[0] == pytest.approx(gaps[1], rel=0.15), "one draw is the ELBO"
    assert gaps[1] > 2 * gaps[2] > 4 * gaps[3] > 0


def test_draws_follow_the_density() -> None:
    z = linear(LinearPosterior()).forward(None).sample((40_000,))
    truth = exact()
    error = 5 * truth.variance.sqrt() / 200
    assert bool(((z.mean(0) - truth.mean).abs() < error).all())
    torch.testing.assert_close(torch.cov(z.T), truth.covariance_matrix, rtol=0.05, atol=0.05)
    cold = linear(LinearPosterior())(None).tempered(0.5).sample((4000,))
    torch.testing.assert_close(torch.cov(cold.T), 0.25 * truth.covariance_matrix, rtol=0.15, atol=0.05)


def chain() -> tuple[VAE, MultivariateNormal]:
    """x = z + noise with z under the second VAE: log p(x) in closed form. q(z|x) is exact for a broad p(z)."""
    likelihood = Gaussian(MLP(3, ()), 3, scale=0.5)
    posterior = DiagonalGaussian(MLP(3, ()), 3)
    with torch.no_grad():
        likelihood.head.layer.weight.copy_(torch.eye(3))
        likelihood.head.layer.bias.zero_()
        posterior.head.layer.weight.zero_()
        posterior.head.layer.weight[:3] = torch.eye(3)
        posterior.head.layer.bias.zero_()
        posterior.head.layer.bias[3:] = 2 * torch.tensor(0.5).log()
    truth = exact()
    model = VAE(posterior.double(), linear(LinearPosterior(1.3)), likelihood.double()).eval()
    return model, MultivariateNormal(truth.loc, truth.covariance_matrix + 0.25 * torch.eye(3).double())


def test_importance_sampling_through_it_meets_the_exact_evidence_and_the_bound_stays_below() -> None:
    model, truth = chain()
    part = part_of(truth.sample((100,)))
    expected = -truth.log_prob(part.raw)
    found = nll(model, part, num_samples=2000)
    assert abs(found.mean - float(expected.mean())) < 4 * found.sampling_error + 2e-3
    assert found.sampling_error < 0.02
    with torch.no_grad():
        assert float(model.elbo(part.raw, num_samples=50).mean()) < -float(expected.mean())


def test_training_with_it_reaches_every_weight() -> None:
    model = VAE(DiagonalGaussian(MLP(4, 8), 3), small(), Bernoulli(MLP(3, 8), 4))
    ELBO()(model((torch.rand(16, 4) > 0.5).float())).total.backward()
    assert all(w.grad is not None and bool(w.grad.isfinite().all()) for w in model.parameters())


def test_a_class_decides() -> None:
    prior = small(condition=2).eval()
    one, z = torch.eye(2)[0].expand(5, 2), torch.randn(6, 5, 3)
    pz = prior(None, one)
    assert pz.sample().shape == (5, 3)
    assert pz.sample((6,)).shape == z.shape
    assert pz.log_prob(z).shape == (6, 5)
    with torch.no_grad():
        prior.likelihood.net.layers[0].weight[:, -2:] = 20.0 * torch.randn(8, 2)
    first, second = (prior(None, torch.eye(2)[c].expand(500, 2)).log_prob(pz.sample((100,))[:, 0][0]) for c in (0, 1))
    assert abs(float((first - second).mean().detach())) > 0.1
    with pytest.raises(UserError, match="condition of 2 features"):
        prior(None)


def test_it_is_saved_with_the_model(tmp_path: Path) -> None:
    model = VAE(DiagonalGaussian(MLP(4, 8), 3), small(), Bernoulli(MLP(3, 8), 4)).eval()
    model.prior.standardize(torch.randn(50, 3) * 2 + 1)
    save_model(model, tmp_path)
    again, z, found = load_model(tmp_path), torch.randn(5, 3), []
    for each in (model, again):
        torch.manual_seed(1)
        found.append((each.log_prior(z), each.sample(3)))
    torch.testing.assert_close(*found, rtol=0, atol=0)


def test_what_makes_no_sense_is_refused() -> None:
    model = VAE(DiagonalGaussian(MLP(3, 8), 3), small(), Gaussian(MLP(3, 8), 3))
    with pytest.raises(UserError, match="AIS needs log p"):
        ais(model, part_of(torch.randn(3, 3)))
    with pytest.raises(UserError, match="same shape of u"):
        VAEPrior(DiagonalGaussian(MLP(3, 8), 2), StandardNormal(4), Gaussian(MLP(2, 8), 3))
    with pytest.raises(UserError, match="a density"):
        VAEPrior(Deterministic(MLP(3, 8), 2), StandardNormal(2), Gaussian(MLP(2, 8), 3))
    with pytest.raises(UserError, match="on the same features"):
        VAEPrior(
            DiagonalGaussian(MLP(3, 8, condition=2), 2), StandardNormal(2), Gaussian(MLP(2, 8, condition=3), 3)
        )
    with pytest.raises(UserError, match="at least 1; 0"):
        VAEPrior(DiagonalGaussian(MLP(3, 8), 2), StandardNormal(2), Gaussian(MLP(2, 8), 3), num_samples=0)
