"""GumbelSoftmax and RelaxedBernoulli: discrete masses and KL, draws that follow them, gradients of the relaxation."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch.distributions import Bernoulli as TorchBernoulli
from torch.distributions import Categorical as TorchCategorical
from torch.distributions import kl_divergence

from vaekit import (
    ELBO,
    MLP,
    VAE,
    Bernoulli,
    DiagonalGaussian,
    GumbelSoftmax,
    RelaxedBernoulli,
    StandardNormal,
    UniformBinary,
    UniformCategorical,
    UserError,
)
from vaekit.distributions.relaxed import Bits, OneHot

DOUBLE = torch.float64


def test_masses_and_kl_are_those_of_torch() -> None:
    torch.manual_seed(0)
    a, b = torch.randn(5, 4, dtype=DOUBLE), torch.randn(5, 4, dtype=DOUBLE)
    q, p = TorchCategorical(logits=a), TorchCategorical(logits=b)
    torch.testing.assert_close(kl_divergence(OneHot(a, 0.5), OneHot(b)), kl_divergence(q, p))
    for k in range(4):
        z = torch.nn.functional.one_hot(torch.full((5,), k), 4).to(DOUBLE)
        torch.testing.assert_close(OneHot(a).log_prob(z), q.log_prob(torch.full((5,), k)))
    q2, p2 = TorchBernoulli(logits=a), TorchBernoulli(logits=b)
    torch.testing.assert_close(kl_divergence(Bits(a, 0.5), Bits(b)), kl_divergence(q2, p2))
    for bit in (0.0, 1.0):
        z = torch.full((5, 4), bit, dtype=DOUBLE)
        torch.testing.assert_close(Bits(a).log_prob(z), q2.log_prob(z))


@pytest.mark.parametrize("temperature", [None, 0.05])
def test_draws_follow_the_masses(temperature: float | None) -> None:
    torch.manual_seed(0)
    logits = torch.randn(3, 4, dtype=DOUBLE)
    for family in (OneHot, Bits):
        q = family(logits, temperature)
        z = q.rsample((20_000,))
        chosen = z.round() if family is Bits else torch.nn.functional.one_hot(z.argmax(-1), 4).to(DOUBLE)
        if temperature is None:
            assert torch.equal(chosen, z)
        error = 5 * (q.variance / 20_000).sqrt()
        assert bool(((chosen.mean(0) - q.mean).abs() <= error).all())


def test_the_relaxed_gradient_approaches_the_discrete_one() -> None:
    """d E[f(z)] / d logits for a linear f is exact at any temperature's limit: here f^T d p / d logits, T = 0.1."""
    torch.manual_seed(0)
    logits = torch.randn(3, dtype=DOUBLE, requires_grad=True)
    f = torch.tensor([1.0, -2.0, 0.5], dtype=DOUBLE)
    (exact,) = torch.autograd.grad(logits.softmax(-1) @ f, logits)
    for hard in (False, True):
        z = OneHot(logits, 0.2, hard=hard).rsample((200_000,))
        (found,) = torch.autograd.grad((z @ f).mean(), logits)
        torch.testing.assert_close(found, exact, rtol=0, atol=0.05)
    (exact,) = torch.autograd.grad(logits.sigmoid() @ f, logits)
    (found,) = torch.autograd.grad((Bits(logits, 0.2).rsample((200_000,)) @ f).mean(), logits)
    torch.testing.assert_close(found, exact, rtol=0, atol=0.05)


def models() -> list[VAE]:
    torch.manual_seed(0)
    return [
        VAE(GumbelSoftmax(MLP(4, 8), 2, 3), UniformCategorical(2, 3), Bernoulli(MLP((2, 3), 8), 4)),
        VAE(RelaxedBernoulli(MLP(4, 8), 3), UniformBinary(3), Bernoulli(MLP(3, 8), 4)),
    ]


def test_the_likelihood_in_evaluation_is_that_of_the_discrete_model() -> None:
    """log p(x) by summing over all codes equals importance sampling within its error."""
    x = (torch.rand(6, 4) > 0.5).double()
    rows = torch.eye(3, dtype=DOUBLE)
    codes = [
        torch.stack([torch.stack(pair) for pair in itertools.product(rows, rows)]),
        torch.tensor(list(itertools.product([0.0, 1.0], repeat=3)), dtype=DOUBLE),
    ]
    for model, z in zip(models(), codes, strict=True):
        model.double().eval()
        log_joint = model.decode(z[:, None].expand(-1, 6, *z.shape[1:])).log_prob(x) - math.log(len(z))
        exact = log_joint.logsumexp(0)
        torch.manual_seed(0)
        torch.testing.assert_close(
            model.log_prob(x, num_samples=20_000, chunk=5000), exact, rtol=0, atol=0.02
        )


def test_models_train_relaxed_and_report_the_kl_of_each_latent() -> None:
    x = (torch.rand(32, 4) > 0.5).float()
    for model in models():
        trace = model.train()(x)
        z = trace.layers[0].z
        assert bool(((z > 0.01) & (z < 0.99)).any())
        kl = trace.layers[0].kl_per_dimension
        assert kl.shape == (32, model.latent_shape[0])
        assert bool((kl >= 0).all())
        ELBO()(trace).total.backward()
        assert all(w.grad is not None and bool(w.grad.any()) for w in model.posterior.parameters())
        z = model.eval()(x).layers[0].z
        assert torch.equal(z, z.round())
        assert model.sample(3).shape == (3, 4)


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UserError, match="draws categories, and StandardNormal is a prior of real numbers"):
        VAE(GumbelSoftmax(MLP(4, 8), 2, 3), StandardNormal((2, 3)), Bernoulli(MLP((2, 3), 8), 4))
    with pytest.raises(UserError, match="draws real numbers, and UniformBinary is a prior of zeros and ones"):
        VAE(DiagonalGaussian(MLP(4, 8), 3), UniformBinary(3), Bernoulli(MLP(3, 8), 4))
    with pytest.raises(UserError, match="temperature above 0"):
        GumbelSoftmax(MLP(4, 8), 2, temperature=0.0)
    with pytest.raises(UserError, match="nothing to scale"):
        models()[0].sample(2, temperature=0.5)
