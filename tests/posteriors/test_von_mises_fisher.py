"""VonMisesFisher at 2, 64 and 256 dimensions: Bessel functions, densities, draws, gradients and KL."""

from __future__ import annotations

import math

import mpmath
import pytest
import torch
from torch.distributions import kl_divergence

from vaekit import (
    ELBO,
    MLP,
    VAE,
    Bernoulli,
    DiagonalGaussian,
    SphereUniform,
    StandardNormal,
    UserError,
    VonMisesFisher,
)
from vaekit.distributions.bessel import bessel_ratio, log_scaled_bessel
from vaekit.distributions.von_mises_fisher import SphereUniform as Uniform
from vaekit.distributions.von_mises_fisher import VonMisesFisher as Vmf
from vaekit.distributions.von_mises_fisher import cosine_slope, draw_cosine
from vaekit.trace import Layer

DOUBLE = torch.float64
KAPPAS = [1e-3, 0.5, 1.0, 7.0, 50.0, 400.0, 1e4]
dims = pytest.mark.parametrize("dim", [2, 3, 64, 256])


def direction(dim: int) -> torch.Tensor:
    torch.manual_seed(dim)
    return torch.nn.functional.normalize(torch.randn(dim, dtype=DOUBLE), dim=-1)


@pytest.mark.parametrize("v", [0.0, 0.5, 1.0, 31.0, 31.5, 127.0, 500.0])
def test_bessel_against_high_precision(v: float) -> None:
    x = torch.tensor(KAPPAS, dtype=DOUBLE)
    with mpmath.workdps(50):
        exact = [mpmath.log(mpmath.besseli(v, k)) - v * mpmath.log(k) for k in KAPPAS]
        ratio = [mpmath.besseli(v + 1, k) / mpmath.besseli(v, k) for k in KAPPAS]
    found = log_scaled_bessel(v, x)
    torch.testing.assert_close(
        found, torch.tensor([float(e) for e in exact], dtype=DOUBLE), rtol=1e-13, atol=1e-12
    )
    expected = torch.tensor([float(r) for r in ratio], dtype=DOUBLE)
    torch.testing.assert_close(bessel_ratio(v, x), expected, rtol=1e-11, atol=0)


@pytest.mark.parametrize("v", [0.0, 31.0, 127.0])
def test_bessel_gradients_and_the_limit_at_0(v: float) -> None:
    x = torch.tensor([0.3, 5.0, 80.0], dtype=DOUBLE, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: log_scaled_bessel(v, x), x)
    assert torch.autograd.gradcheck(lambda x: bessel_ratio(v, x), x)
    zero = torch.zeros(1, dtype=DOUBLE, requires_grad=True)
    value = log_scaled_bessel(v, zero)
    assert float(value.detach()) == pytest.approx(-v * math.log(2) - math.lgamma(v + 1), abs=1e-11)
    assert float(torch.autograd.grad(value, zero)[0]) == 0


@dims
def test_the_kl_against_high_precision(dim: int) -> None:
    """kappa A + log C + log area with 60 digits."""
    exact = []
    with mpmath.workdps(60):
        half = mpmath.mpf(dim) / 2
        for k in map(mpmath.mpf, KAPPAS):
            bessel = mpmath.besseli(half - 1, k)
            log_c = (half - 1) * mpmath.log(k) - half * mpmath.log(2 * mpmath.pi) - mpmath.log(bessel)
            log_area = mpmath.log(2) + half * mpmath.log(mpmath.pi) - mpmath.loggamma(half)
            exact.append(float(k * mpmath.besseli(half, k) / bessel + log_c + log_area))
    q = Vmf(direction(dim).expand(len(KAPPAS), dim), torch.tensor(KAPPAS, dtype=DOUBLE))
    found = kl_divergence(q, Uniform(torch.zeros(dim, dtype=DOUBLE)))
    torch.testing.assert_close(found, torch.tensor(exact, dtype=DOUBLE), rtol=1e-10, atol=1e-11)
    single = Vmf(q.loc.float(), q.concentration.float())
    torch.testing.assert_close(
        kl_divergence(single, Uniform(torch.zeros(dim))), found.float(), rtol=1e-5, atol=1e-6
    )


@dims
def test_the_kl_against_monte_carlo(dim: int) -> None:
    torch.manual_seed(0)
    kappa = torch.tensor([1.0, 20.0, 300.0], dtype=DOUBLE)
    q, p = Vmf(direction(dim).expand(3, dim), kappa), Uniform(torch.zeros(dim, dtype=DOUBLE))
    z = q.rsample((20_000,))
    torch.testing.assert_close(z.norm(dim=-1), torch.ones(20_000, 3, dtype=DOUBLE))
    layer = Layer(z, q, p)
    log_ratio = layer.log_qz - layer.log_pz
    error = 5 * log_ratio.std(0) / math.sqrt(20_000)
    assert bool(((layer.kl - log_ratio.mean(0)).abs() <= error).all())


@dims
def test_draws_have_the_mean_and_lie_evenly_around_it(dim: int) -> None:
    torch.manual_seed(0)
    q = Vmf(direction(dim), torch.tensor(30.0, dtype=DOUBLE))
    z = q.rsample((20_000,))
    error = 5 * z.std(0) / math.sqrt(20_000)
    assert bool(((z.mean(0) - q.mean).abs() <= error).all())
    cosine = z @ q.loc
    length = float(q.mean_length)
    # Var(w) = A' = 1 - A^2 - (D - 1) A / kappa, and what is left of the unit length is spread over D - 1 directions.
    variance = 1 - length**2 - (dim - 1) / 30.0 * length
    assert float(cosine.var()) == pytest.approx(variance, rel=0.05)
    across = z - cosine[:, None] * q.loc
    other = torch.nn.functional.normalize(torch.randn(dim, dtype=DOUBLE), dim=-1)
    other = torch.nn.functional.normalize(other - (other @ q.loc) * q.loc, dim=-1)
    expected = (1 - float(cosine.square().mean())) / (dim - 1)
    assert float((across @ other).square().mean()) == pytest.approx(expected, rel=0.06)


def test_the_density_integrates_over_the_circle() -> None:
    angle = torch.arange(20_000, dtype=DOUBLE) * (2 * math.pi / 20_000)
    z = torch.stack([angle.cos(), angle.sin()], -1)
    for kappa in (0.1, 3.0, 200.0):
        q = Vmf(direction(2), torch.tensor(kappa, dtype=DOUBLE))
        assert float(q.log_prob(z).exp().mean() * 2 * math.pi) == pytest.approx(1, abs=1e-10)


@pytest.mark.parametrize("dim", [2, 3, 10, 256])
@pytest.mark.parametrize("kappa", [0.5, 8.0, 500.0])
def test_the_implicit_gradient_is_that_of_the_distribution_function(dim: int, kappa: float) -> None:
    """dw/dkappa at fixed F(w; kappa), by differences of F from quadrature in high precision."""
    torch.manual_seed(0)
    k = torch.full((5,), kappa, dtype=DOUBLE)
    w = draw_cosine(k, dim)
    found = cosine_slope(k, w, dim)

    theta = torch.linspace(0, math.pi, 200_001, dtype=DOUBLE)

    def logs(kappa: float) -> torch.Tensor:
        return kappa * torch.cos(theta) + (dim - 2) * torch.log(torch.sin(theta).clamp(min=1e-300))

    def distribution(kappa: float) -> torch.Tensor:
        mass = torch.exp(logs(kappa) - logs(kappa).max())
        steps = (mass[1:] + mass[:-1]) / 2
        total = torch.cat([torch.zeros(1, dtype=DOUBLE), steps.cumsum(0)]) / steps.sum()
        place = torch.acos(w) / math.pi * 200_000
        low = place.floor().long().clamp(max=199_999)
        return 1 - torch.lerp(total[low], total[low + 1], place - low)  # w falls as the angle rises

    h = 1e-3 * kappa
    slope_of_f = (distribution(kappa + h) - distribution(kappa - h)) / (2 * h)
    mass = torch.exp(logs(kappa) - logs(kappa).max())
    at = torch.acos(w)
    log_at = kappa * w + (dim - 2) * torch.log(torch.sin(at)) - logs(kappa).max()
    density = torch.exp(log_at) / torch.sin(at) / (mass.sum() * math.pi / 200_000)
    torch.testing.assert_close(found, -slope_of_f / density, rtol=2e-3, atol=1e-6)


@pytest.mark.parametrize("dim", [2, 64, 256])
def test_draws_carry_unbiased_gradients(dim: int) -> None:
    """d E[w] / d kappa = A' and d E[a^T z] / d mu = A a across mu, from the mean of many draws."""
    torch.manual_seed(0)
    kappa = torch.tensor(12.0, dtype=DOUBLE, requires_grad=True)
    mu = direction(dim).requires_grad_()
    z = Vmf(mu, kappa).rsample((40_000,))
    by_kappa = torch.autograd.grad((z @ mu.detach()).mean(), kappa, retain_graph=True)[0]
    length = bessel_ratio(dim / 2 - 1, kappa)
    (expected,) = torch.autograd.grad(length, kappa)
    assert float(by_kappa) == pytest.approx(float(expected), rel=0.03)
    a = torch.randn(dim, dtype=DOUBLE)
    a = a - (a @ mu.detach()) * mu.detach()
    (by_mu,) = torch.autograd.grad((z @ a).mean(), mu)
    by_mu = by_mu - (by_mu @ mu.detach()) * mu.detach()
    assert float(by_mu @ a / a.square().sum()) == pytest.approx(float(length.detach()), abs=0.05)


@pytest.mark.parametrize("dim", [2, 256])
def test_a_model_on_the_sphere(dim: int) -> None:
    torch.manual_seed(0)
    model = VAE(VonMisesFisher(MLP(4, 8), dim), SphereUniform(dim), Bernoulli(MLP(dim, 8), 4))
    x = (torch.rand(32, 4) > 0.5).float()
    ELBO()(model(x)).total.backward()
    assert all(w.grad is not None and bool(torch.isfinite(w.grad).all()) for w in model.parameters())
    for codes in (model.embed(x), model.draw_prior(7)):
        torch.testing.assert_close(codes.norm(dim=-1), torch.ones(len(codes)))
    assert bool(torch.isfinite(model.log_prob(x, num_samples=5)).all())


def test_what_makes_no_sense_is_refused() -> None:
    likelihood = Bernoulli(MLP(3, 8), 4)
    with pytest.raises(
        UserError, match="points on the unit sphere, and StandardNormal is a prior of real numbers"
    ):
        VAE(VonMisesFisher(MLP(4, 8), 3), StandardNormal(3), likelihood)
    with pytest.raises(UserError, match="draws real numbers, and SphereUniform"):
        VAE(DiagonalGaussian(MLP(4, 8), 3), SphereUniform(3), likelihood)
    with pytest.raises(UserError, match="at least 2 coordinates"):
        VonMisesFisher(MLP(4, 8), 1)
    with pytest.raises(UserError, match="temperature has nothing to scale"):
        VAE(VonMisesFisher(MLP(4, 8), 3), SphereUniform(3), likelihood).sample(2, temperature=0.5)
