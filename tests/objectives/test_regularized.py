"""RAE and VAEGAN: Jacobians in closed form, and which part of the model learns from which loss."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parent))

from small_models import gradients, small_model, trace_at

from vaekit import MLP, RAE, VAE, VAEGAN, Deterministic, Gaussian, Reconstruction, StandardNormal, UserError

F64 = torch.float64


def autoencoder(hidden: tuple[int, ...] = (5,)) -> VAE:
    return VAE(
        Deterministic(MLP(4, 5, activation="tanh"), 2),
        StandardNormal(2),
        Gaussian(MLP(2, hidden, activation="tanh"), 4, scale=0.5),
    ).double()


# RAE


def test_rae_l2_is_the_decoders_weight_decay_and_the_codes_length() -> None:
    model, x = autoencoder(), torch.randn(7, 4, dtype=F64)
    objective = RAE(kind="l2", beta=0.3, weight=0.1)
    objective.check(model)
    objective.bind(model)
    loss = objective(model(x))
    z = model.embed(x)
    squares = sum(p.square().sum() for name, p in model.likelihood.named_parameters() if "weight" in name)
    expected = Reconstruction()(model(x)).total + 0.3 * (z**2).sum() / 2 / 7 + 0.1 * squares
    torch.testing.assert_close(loss.total, expected)
    assert not [name for name, _ in objective.named_parameters()], "the model's weights stay the model's"


def test_rae_gradient_penalty_is_the_squared_jacobian() -> None:
    """A linear decoder's Jacobian is its weight at every z; the estimate's mean over directions is |W|^2."""
    model = autoencoder(hidden=())
    objective = RAE(kind="gradient_penalty")
    objective.bind(model)
    x = torch.randn(1, 4, dtype=F64).expand(20_000, -1)
    values = objective(model(x)).terms["regularizer"].detach()
    exact = float(model.likelihood.head.layer.weight.detach().square().sum())
    error = float(values.std()) / math.sqrt(len(values))
    assert float(values.mean()) == pytest.approx(exact, abs=4 * error)
    assert error < 0.02 * exact


def test_rae_gradient_penalty_of_a_nonlinear_decoder_and_its_gradient() -> None:
    model, x = autoencoder(), torch.randn(1, 4, dtype=F64)
    z = model.embed(x)
    jacobian = torch.autograd.functional.jacobian(lambda z: model.decode(z).mean, z)
    objective = RAE(kind="gradient_penalty", beta=0.0, weight=1.0)
    objective.bind(model)
    many = objective(model(x.expand(20_000, -1)))
    assert float(many.terms["regularizer"].detach().mean()) == pytest.approx(
        float(jacobian.square().sum()), rel=0.05
    )
    # A step down the penalty alone makes the decoder flatter.
    weights = list(model.likelihood.parameters())
    grads = torch.autograd.grad(many.terms["regularizer"].mean(), weights, materialize_grads=True)
    with torch.no_grad():
        for weight, grad in zip(weights, grads, strict=True):
            weight -= 0.05 * grad
        flatter = objective(model(x.expand(20_000, -1))).terms[
            "regularizer"
        ]  # without gradients, as in validation
    assert float(flatter.mean()) < 0.99 * float(jacobian.square().sum())


def test_rae_refuses_noise_and_asks_for_its_model() -> None:
    with pytest.raises(UserError, match="use the posterior Deterministic"):
        RAE().check(small_model())
    model = autoencoder()
    with pytest.raises(UserError, match=r"objective\.bind\(model\)"):
        RAE()(model(torch.randn(2, 4, dtype=F64)))
    with pytest.raises(UserError, match="gradient_penalty"):
        RAE(kind="gradient")  # type: ignore[arg-type]
    with pytest.raises(UserError, match="at least 0"):
        RAE(beta=-1.0)


# VAEGAN


def test_vae_gan_gives_each_of_the_three_its_own_loss() -> None:
    """Larsen et al., algorithm 1: encoder KL + error; decoder gamma error + GAN; discriminator its mistakes."""
    model, x = small_model(), torch.randn(6, 4, dtype=F64)
    objective = VAEGAN(MLP(4, 5, activation="tanh"), gamma=0.2).double()
    objective.check(model)
    objective.bind(model)
    noise = torch.randn(1, 6, 2, dtype=F64)
    torch.manual_seed(4)
    loss = objective(trace_at(model, x, noise))
    torch.manual_seed(4)
    trace, judge = trace_at(model, x, noise), objective.discriminator
    prior = trace.layers[0].pz.sample((6,))
    rebuilt, sampled = trace.px.mean[0], model.decode(prior).mean
    error = 0.5 * (judge(rebuilt)[1] - judge(x)[1].detach()).square().sum(-1).mean()
    fooled = -F.logsigmoid(judge(rebuilt)[0]).mean() - F.logsigmoid(judge(sampled)[0]).mean()
    mistakes = -F.logsigmoid(judge(x)[0]).mean() - sum(
        F.logsigmoid(-judge(fake.detach())[0]).mean() for fake in (rebuilt, sampled)
    )
    found = gradients(model, loss.total)
    torch.testing.assert_close(found["q"], gradients(model, trace.kl.mean() + error)["q"])
    torch.testing.assert_close(found["p"], gradients(model, 0.2 * error + fooled)["p"])
    parameters = list(objective.parameters())
    ours = torch.autograd.grad(loss.total, parameters)
    theirs = torch.autograd.grad(mistakes, parameters)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other)


def test_vae_gan_refuses_what_it_cannot_judge() -> None:
    with pytest.raises(UserError, match=r"x has shape \(4,\)"):
        VAEGAN(MLP(3, 5)).check(small_model())
    with pytest.raises(UserError, match="deterministic"):
        VAEGAN(MLP(4, 5)).check(autoencoder())
    with pytest.raises(UserError, match="gamma"):
        VAEGAN(MLP(4, 5), gamma=-1.0)
