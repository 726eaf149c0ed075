"""MMD, SlicedWasserstein, Adversarial, WAE, InfoVAE: signs, scales and closed forms."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent))

from small_models import gradients, small_model, trace_at

from vaekit import (
    ELBO,
    MLP,
    MMD,
    VAE,
    WAE,
    Adversarial,
    Codebook,
    Deterministic,
    Gaussian,
    InfoVAE,
    Reconstruction,
    SlicedWasserstein,
    StandardNormal,
    UniformCodesPrior,
    UserError,
    VectorQuantized,
)
from vaekit.objectives.divergence import prior_draws

F64 = torch.float64


def normal(num: int, shift: float = 0.0, dims: int = 3, spread: float = 1.0) -> Tensor:
    return shift + spread * torch.randn(num, dims, dtype=F64)


@pytest.mark.parametrize("kernel", ["imq", "rbf"])
def test_mmd_is_zero_in_expectation_where_equal_and_positive_elsewhere(kernel: str) -> None:
    mmd = MMD(kernel=kernel)  # type: ignore[arg-type]
    values = torch.stack([mmd(normal(20), normal(20)) for _ in range(600)])
    error = float(values.std()) / math.sqrt(len(values))
    assert abs(float(values.mean())) < 4 * error
    assert bool((values < 0).any()), "the unbiased estimate falls on both sides of zero"
    for other in ({"shift": 0.5}, {"spread": 2.0}):
        apart = torch.stack([mmd(normal(20, **other), normal(20)) for _ in range(300)]).mean()
        assert float(apart) > 20 * error


def test_mmd_of_gaussians_in_closed_form() -> None:
    """With k = exp(-r^2 / C) and unit Gaussians a distance m apart: 2 s^D (1 - exp(-m^2 / (C + 4))), s^2 = C/(C+4)."""
    dims, scale, shift = 3, 0.5, 0.7
    mmd = MMD(kernel="rbf", scales=[scale])
    values = torch.stack([mmd(normal(200, shift), normal(200)) for _ in range(200)])
    c = 2 * dims * scale
    exact = 2 * (c / (c + 4)) ** (dims / 2) * (1 - math.exp(-dims * shift**2 / (c + 4)))
    error = float(values.std()) / math.sqrt(len(values))
    assert float(values.mean()) == pytest.approx(exact, abs=4 * error)
    assert error < 0.02 * exact


def test_mmd_kernel_values() -> None:
    a, b = torch.tensor([[0.0, 0.0]]), torch.tensor([[3.0, 4.0]])
    assert float(MMD(scales=[1.0]).k(a, b)) == pytest.approx(4 / (4 + 25))
    assert float(MMD(scales=[1.0, 2.0]).k(a, b)) == pytest.approx(4 / 29 + 8 / 33)
    assert float(MMD(kernel="rbf", scales=[2.0]).k(a, b)) == pytest.approx(math.exp(-25 / 8))


def test_sliced_wasserstein_of_shifted_gaussians() -> None:
    """A shift m moves every projection by m . direction: |m|^2 / D in the mean; equal samples are at zero."""
    z = normal(2000)
    shift = torch.tensor([1.0, -2.0, 0.5], dtype=F64)
    distance = SlicedWasserstein(num_projections=1000)
    assert float(distance(z, z)) == 0.0
    assert float(distance(z + shift, z)) == pytest.approx(float(shift.square().sum()) / 3, rel=0.06)
    # N(0, 4) against N(0, 1): every projection is twice as wide, (2 - 1)^2.
    assert float(distance(2 * z, normal(2000))) == pytest.approx(1.0, rel=0.1)


@pytest.mark.parametrize("divergence", [MMD(), MMD(kernel="rbf"), SlicedWasserstein()], ids=repr)
def test_descending_brings_codes_to_the_prior(divergence: MMD | SlicedWasserstein) -> None:
    loc = torch.full((3,), 2.0, dtype=F64, requires_grad=True)
    scale = torch.full((3,), 0.3, dtype=F64, requires_grad=True)
    optimizer = torch.optim.Adam([loc, scale], lr=0.05)
    for _ in range(250):
        optimizer.zero_grad()
        divergence(loc + scale * normal(100), normal(100)).backward()
        optimizer.step()
    assert float(loc.detach().abs().max()) < 0.25
    assert float((scale.detach().abs() - 1).abs().max()) < 0.25


def test_a_trained_discriminator_pulls_codes_to_the_prior() -> None:
    adversarial = Adversarial(MLP(2, (16,))).double()
    optimizer = torch.optim.Adam(adversarial.parameters(), lr=1e-2)
    for _ in range(150):
        optimizer.zero_grad()
        adversarial.own_loss(normal(128, shift=1.5, dims=2), normal(128, dims=2)).backward()
        optimizer.step()
    assert (
        float(adversarial.discriminator(normal(500, dims=2))[0].mean().detach()) > 1.0
    )  # prior: the first kind
    z = normal(128, shift=1.5, dims=2).requires_grad_()
    (gradient,) = torch.autograd.grad(adversarial(z, normal(128, dims=2)), z)
    assert float(gradient.mean(0).min()) > 0, "descending moves the codes towards zero"


def test_adversarial_losses_stay_on_their_sides() -> None:
    adversarial = Adversarial(MLP(2, (5,))).double()
    z, prior = normal(6, dims=2).requires_grad_(), normal(6, dims=2)
    own, fool = adversarial.own_loss(z, prior), adversarial(z, prior)
    parameters = list(adversarial.parameters())
    assert torch.autograd.grad(own, z, allow_unused=True, retain_graph=True) == (None,)
    with pytest.raises(RuntimeError, match=r"not require grad|not have been used"):
        torch.autograd.grad(fool, parameters)
    assert all(bool(g.any()) for g in torch.autograd.grad(own, parameters)[-1:])


def test_wae_adds_the_divergence_and_nothing_else() -> None:
    model, x = small_model(), torch.randn(8, 4, dtype=F64)
    noise = torch.randn(1, 8, 2, dtype=F64)
    trace = trace_at(model, x, noise)
    torch.manual_seed(5)
    prior = prior_draws(trace.layers[0])
    expected = -trace.log_px.mean() + 4.0 * MMD()(trace.layers[0].z[0], prior)
    torch.manual_seed(5)
    loss = WAE(weight=4.0)(trace)
    torch.testing.assert_close(loss.total, expected)
    assert "elbo" not in loss.terms


def test_info_vae_between_vae_and_mmd_vae() -> None:
    model, x = small_model(), torch.randn(8, 4, dtype=F64)
    trace = trace_at(model, x, torch.randn(1, 8, 2, dtype=F64))
    torch.testing.assert_close(InfoVAE(alpha=0.0, lambda_=1.0)(trace).total, ELBO()(trace).total)
    torch.manual_seed(1)
    mmd_vae = InfoVAE(MMD(), alpha=1.0, lambda_=9.0)(trace).total
    torch.manual_seed(1)
    torch.testing.assert_close(mmd_vae, WAE(MMD(), weight=9.0)(trace).total)


def test_the_wae_gan_trains_both_sides_in_one_pass() -> None:
    model, x = small_model(), torch.randn(8, 4, dtype=F64)
    trace = trace_at(model, x, torch.randn(1, 8, 2, dtype=F64))
    objective = WAE(Adversarial(MLP(2, (5,))).double(), weight=2.0)
    loss = objective(trace)
    judge = objective.divergence.discriminator
    fool = -torch.nn.functional.logsigmoid(judge(trace.layers[0].z[0])[0]).mean()
    wanted = gradients(model, Reconstruction()(trace).total + 2.0 * fool)
    found = gradients(model, loss.total)
    for part in ("p", "q"):
        torch.testing.assert_close(found[part], wanted[part])
    assert all(g is not None for g in torch.autograd.grad(loss.total, list(judge.parameters())))


def test_deterministic_codes_are_welcome_where_there_is_no_kl() -> None:
    auto = VAE(Deterministic(MLP(4, 5), 2), StandardNormal(2), Gaussian(MLP(2, 5), 4))
    for divergence in (MMD(), SlicedWasserstein(), Adversarial(MLP(2, 3))):
        objective = WAE(divergence)
        objective.check(auto)
        total = objective(auto(torch.randn(6, 4))).total
        total.backward()
        assert bool(auto.posterior.head.layer.weight.grad.any())
        with pytest.raises(UserError, match="deterministic"):
            InfoVAE(divergence).check(auto)


def test_codes_of_a_codebook_are_refused() -> None:
    book = Codebook(4, 3)
    model = VAE(
        VectorQuantized(MLP(4, 12), book, (2, 2)),
        UniformCodesPrior(book, (2, 2)),
        Gaussian(MLP((3, 2, 2), 5), 4),
    )
    with pytest.raises(UserError, match="made of codes"):
        WAE().check(model)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(UserError, match='Did you mean "imq"'):
        MMD(kernel="img")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="scales above 0"):
        MMD(scales=[0.0])
    with pytest.raises(UserError, match="both at least 0"):
        InfoVAE(alpha=-1.0, lambda_=1.0)
    with pytest.raises(UserError, match="at least 0"):
        WAE(weight=-1.0)
    with pytest.raises(UserError, match="z has shape"):
        WAE(Adversarial(MLP(5, 3))).check(small_model())
