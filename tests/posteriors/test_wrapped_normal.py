"""WrappedNormal: maps of the Poincaré ball, densities that integrate to 1 over it, draws, gradients and flatness."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from vaekit import (
    ELBO,
    MLP,
    VAE,
    Bernoulli,
    Chained,
    Corrupted,
    DiagonalGaussian,
    LogMap,
    StandardNormal,
    UserError,
    WrappedNormal,
    WrappedNormalPrior,
    ais,
    fit_prior,
    load_model,
    save_model,
)
from vaekit.data import Part
from vaekit.distributions.wrapped_normal import WrappedNormal as Wrapped
from vaekit.poincare import exp_map, inside, log_map, log_stretch, mobius_add
from vaekit.schema import Schema

DOUBLE = torch.float64
curvatures = pytest.mark.parametrize("c", [0.3, 1.0, 2.0])


def points(num: int, dim: int, c: float) -> Tensor:
    """Within the ball, up to 0.9 of its radius."""
    z = torch.randn(num, dim, dtype=DOUBLE)
    return z / z.norm(dim=-1, keepdim=True) * torch.rand(num, 1, dtype=DOUBLE) * 0.9 / math.sqrt(c)


def distance(x: Tensor, y: Tensor, c: float) -> Tensor:
    """The closed form, arcosh(1 + 2 c |x - y|^2 / ((1 - c |x|^2) (1 - c |y|^2))) / sqrt(c)."""
    gap, free = (x - y).square().sum(-1), (1 - c * x.square().sum(-1)) * (1 - c * y.square().sum(-1))
    return torch.acosh(1 + 2 * c * gap / free) / math.sqrt(c)


def wrapped(c: float, dim: int = 2) -> Wrapped:
    """Away from the origin and of uneven spread."""
    loc = torch.tensor([0.5, -0.2, 0.1], dtype=DOUBLE)[:dim] / math.sqrt(c)
    return Wrapped(loc, torch.tensor([0.8, 0.5, 0.6], dtype=DOUBLE)[:dim], c)


@curvatures
def test_the_maps_undo_each_other_and_keep_distances(c: float) -> None:
    x, z = points(50, 3, c), points(50, 3, c)
    u = log_map(x, z, c)
    torch.testing.assert_close(exp_map(x, u, c), z)
    torch.testing.assert_close(u.norm(dim=-1), distance(x, z, c))
    torch.testing.assert_close(mobius_add(-x, mobius_add(x, z, c), c), z)
    tangent = torch.randn(50, 3, dtype=DOUBLE)
    torch.testing.assert_close(log_map(x, exp_map(x, tangent, c), c), tangent)
    torch.testing.assert_close(exp_map(x, torch.zeros_like(x), c), x)


def test_what_reaches_the_border_stays_finite_with_finite_gradients() -> None:
    far = torch.tensor([[1e3, 0.0], [0.0, 0.0], [30.0, -40.0]], requires_grad=True)
    z = exp_map(torch.zeros(3, 2), far, 1.0)
    assert bool((z.norm(dim=-1) < 1).all())
    back = log_map(torch.zeros(3, 2), z, 1.0)
    (slope,) = torch.autograd.grad(back.sum(), far)
    assert bool(back.isfinite().all() & slope.isfinite().all())
    assert bool((inside(torch.tensor([[3.0, 4.0]]), 1.0).norm() < 1).all())
    beyond = LogMap(2)(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    assert bool(beyond.isfinite().all())


def test_the_stretch_against_sinh() -> None:
    t = torch.tensor([1e-6, 1e-3, 0.5, 3.0, 30.0], dtype=DOUBLE)
    torch.testing.assert_close(log_stretch(t / math.sqrt(2.0), 2.0), (torch.sinh(t) / t).log(), atol=1e-8, rtol=1e-8)


@curvatures
def test_the_density_integrates_to_1_over_the_disk(c: float) -> None:
    """In polar coordinates around the origin, where the area is sinh(sqrt(c) r) / sqrt(c) dr dtheta; and draws have
    the mean that the integral has."""
    r = (torch.arange(3000, dtype=DOUBLE) + 0.5) * (12.0 / 3000)
    theta = torch.arange(400, dtype=DOUBLE) * (2 * math.pi / 400)
    direction = torch.stack([theta.cos(), theta.sin()], -1)
    z = (torch.tanh(math.sqrt(c) * r / 2) / math.sqrt(c))[:, None, None] * direction
    area = (torch.sinh(math.sqrt(c) * r) / math.sqrt(c) * (12.0 / 3000) * (2 * math.pi / 400))[:, None]
    torch.manual_seed(0)
    for q in (wrapped(c), WrappedNormalPrior(2, c).double()(None)):
        mass = q.log_prob(z).exp() * area
        assert float(mass.sum()) == pytest.approx(1, abs=1e-6)
        expected = (mass[..., None] * z).sum((0, 1))
        draws = q.rsample((40_000,))
        assert bool(((draws.mean(0) - expected).abs() < 5 * draws.std(0) / 200).all())
        entropy = -(mass * q.log_prob(z)).sum()
        log_q = q.log_prob(draws.clone())
        assert abs(float(log_q.mean() + entropy)) < 5 * float(log_q.std()) / 200


@curvatures
def test_the_jacobian_of_a_draw_is_what_the_density_says(c: float) -> None:
    """In 3 dimensions: |dz/du| times the volume element (2 / (1 - c |z|^2))^D is (sinh(t) / t)^(D - 1)."""
    q = wrapped(c, 3)
    u = torch.randn(3, dtype=DOUBLE)
    jacobian = torch.autograd.functional.jacobian(lambda u: exp_map(q.loc, u, c), u)
    z = exp_map(q.loc, u, c)
    log_volume = torch.linalg.slogdet(jacobian)[1] + 3 * torch.log(2 / (1 - c * z.square().sum()))
    torch.testing.assert_close(log_volume, 2 * log_stretch(u.norm(), c))
    flat = Independent(Normal(torch.zeros(3, dtype=DOUBLE), q.scale), 1).log_prob(u)
    torch.testing.assert_close(q.log_prob(z), flat - log_volume)


def test_without_curvature_it_is_a_gaussian_of_twice_z() -> None:
    loc, scale = torch.tensor([0.4, -0.7], dtype=DOUBLE), torch.tensor([0.8, 0.5], dtype=DOUBLE)
    q, z = Wrapped(loc, scale, 1e-9), torch.randn(100, 2, dtype=DOUBLE)
    expected = Independent(Normal(loc, scale / 2), 1).log_prob(z)
    torch.testing.assert_close(q.log_prob(z) + 2 * math.log(2), expected, atol=1e-6, rtol=1e-6)


def test_the_density_of_a_draw_is_that_of_its_place_and_has_the_same_gradient() -> None:
    torch.manual_seed(0)
    tangent = torch.randn(5, 3, dtype=DOUBLE, requires_grad=True)
    scale = torch.rand(5, 3, dtype=DOUBLE, requires_grad=True)
    q = Wrapped(exp_map(torch.zeros(5, 3, dtype=DOUBLE), tangent, 1.0), 0.2 + scale, 1.0)
    z = q.rsample((4,))
    found, expected = q.log_prob(z), q.log_prob(z * 1.0)
    torch.testing.assert_close(found, expected)
    for a, b in zip(
        torch.autograd.grad(found.sum(), (tangent, scale), retain_graph=True, materialize_grads=True),
        torch.autograd.grad(expected.sum(), (tangent, scale)),
        strict=True,
    ):
        torch.testing.assert_close(a, b, atol=1e-9, rtol=1e-6)
    cold = q.tempered(0.5)
    torch.manual_seed(1)
    far = log_map(q.loc, q.rsample(), 1.0)
    torch.manual_seed(1)
    torch.testing.assert_close(log_map(q.loc, cold.rsample(), 1.0), 0.5 * far)


def model_on(c: float, dim: int = 2) -> VAE:
    decoder = Chained(LogMap(dim, c), MLP(dim, 8, activation="tanh"))
    return VAE(
        WrappedNormal(MLP(4, 8, activation="tanh"), dim, c), WrappedNormalPrior(dim, c), Bernoulli(decoder, 4)
    )


def test_the_gradient_of_the_bound_is_that_of_finite_differences() -> None:
    model, x = model_on(0.7).double(), (torch.rand(5, 4, dtype=DOUBLE) > 0.5).double()

    def loss() -> Tensor:
        torch.manual_seed(3)
        return ELBO()(model(x)).total

    found = torch.autograd.grad(loss(), list(model.parameters()))
    for (name, weight), slope in zip(model.named_parameters(), found, strict=True):
        direction, values = torch.randn_like(weight), []
        for sign in (1, -1):
            with torch.no_grad():
                weight.add_(sign * 1e-5 * direction)
                values.append(float(loss()))
                weight.sub_(sign * 1e-5 * direction)
        expected = (values[0] - values[1]) / 2e-5
        assert float((slope * direction).sum()) == pytest.approx(expected, rel=1e-5, abs=1e-7), name


def test_importance_sampling_meets_the_integral() -> None:
    """log p(x) by quadrature over the disk."""
    model, x = model_on(1.0).double().eval(), (torch.rand(3, 4, dtype=DOUBLE) > 0.5).double()
    r = (torch.arange(1000, dtype=DOUBLE) + 0.5) * 0.01
    theta = torch.arange(200, dtype=DOUBLE) * (2 * math.pi / 200)
    z = torch.tanh(r / 2)[:, None, None] * torch.stack([theta.cos(), theta.sin()], -1)
    log_area = (torch.sinh(r) * 0.01 * (2 * math.pi / 200)).log()[:, None, None]
    with torch.no_grad():
        joint = model.log_prior(z).unsqueeze(-1) + model.decode(z.unsqueeze(-2)).log_prob(x) + log_area
    exact = joint.flatten(0, 1).logsumexp(0)
    with torch.no_grad():
        ratio = (model(x, num_samples=100_000).log_w - exact).exp()
        bound = model.elbo(x, num_samples=2000)
    error = ratio.std(0) / 100_000**0.5
    assert bool(((ratio.mean(0) - 1).abs() < 5 * error).all())
    assert float(error.max()) < 0.02
    assert bool((bound < exact).all())


def test_it_is_saved_and_its_codes_and_draws_lie_in_the_ball(tmp_path: Path) -> None:
    model, x = model_on(4.0, 3), torch.rand(6, 4)
    save_model(model, tmp_path)
    again = load_model(tmp_path)
    torch.testing.assert_close(again.embed(x), model.embed(x), rtol=0, atol=0)
    for codes in (again.embed(x), again.embed(x, sample=True), again.draw_prior(50), again.interpolate(x, x)[:, 0]):
        assert bool(codes.isfinite().all())
    assert float(again.draw_prior(500).norm(dim=-1).max()) < 0.5
    assert float(again.draw_prior(50, temperature=0.1).norm(dim=-1).max()) < 0.25


def test_what_makes_no_sense_is_refused() -> None:
    posterior, likelihood = WrappedNormal(MLP(4, 8), 2), Bernoulli(MLP(2, 8), 4)
    with pytest.raises(UserError, match="points of the Poincaré ball, and StandardNormal is a prior of real numbers"):
        VAE(posterior, StandardNormal(2), likelihood)
    with pytest.raises(UserError, match="draws real numbers, and WrappedNormalPrior"):
        VAE(DiagonalGaussian(MLP(4, 8), 2), WrappedNormalPrior(2), likelihood)
    with pytest.raises(UserError, match="both live on one ball"):
        VAE(posterior, WrappedNormalPrior(2, 0.5), likelihood)
    VAE(Corrupted(posterior), WrappedNormalPrior(2), likelihood)
    with pytest.raises(UserError, match="a curvature above 0"):
        WrappedNormalPrior(2, 0.0)
    with pytest.raises(UserError, match="a number of dimensions of at least 1"):
        LogMap(0)
    model = VAE(posterior, WrappedNormalPrior(2), likelihood)
    part = Part(torch.zeros(4, 4), None, None, Schema("array", (4,), low=0.0, high=1.0, levels=2))
    with pytest.raises(UserError, match="codes here are points of the Poincaré ball"):
        ais(model, part)
    with pytest.raises(UserError, match="No prior can be fitted to WrappedNormal"):
        fit_prior(model, part)
