"""Priors over codes: masses that sum to 1, draws that follow them, learning, and no gradient to the encoder."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from torch.distributions import kl_divergence

from vaekit import (
    MLP,
    VAE,
    AutoregressiveCodes,
    Bernoulli,
    Codebook,
    DiagonalGaussian,
    ResidualCodebook,
    StandardNormal,
    UniformCodesPrior,
    UserError,
    VectorQuantized,
)


def prior(condition: int = 0) -> AutoregressiveCodes:
    torch.manual_seed(0)
    made = AutoregressiveCodes(Codebook(3, 2), (2, 2), width=8, num_heads=2, condition=condition).eval()
    with torch.no_grad():
        made.codebook.vectors.copy_(torch.tensor([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
        for weight in made.net.parameters():
            weight.copy_(torch.randn_like(weight))
    return made


@pytest.mark.parametrize("condition", [0, 2])
def test_the_masses_sum_to_1_and_draws_follow_them(condition: int) -> None:
    made = prior(condition)
    y = torch.eye(2)[[1]] if condition else None
    pz = made(None, y)
    codes = torch.tensor(list(itertools.product(range(3), repeat=4)))
    with torch.no_grad():
        codes = codes[:, None] if condition else codes
        mass = pz.log_prob_of_codes(codes).exp().flatten()
    assert float(mass.sum()) == pytest.approx(1, abs=1e-5)
    vectors = made.codebook.lookup(codes).mT.unflatten(-1, (2, 2))
    torch.testing.assert_close(pz.log_prob(vectors).exp().flatten(), mass)
    drawn = made.codebook.codes_of(pz.sample((20_000,)).reshape(20_000, 2, 4).mT)
    found = torch.bincount(drawn @ torch.tensor([27, 9, 3, 1]), minlength=81) / 20_000
    assert bool(((found - mass).abs() <= 5 * (mass * (1 - mass) / 20_000).sqrt() + 1e-4).all())


def test_at_the_start_it_is_the_uniform_prior() -> None:
    codebook = Codebook(5, 3)
    posterior = VectorQuantized(MLP(4, 6), codebook, (2, 2))
    qz = posterior(torch.randn(6, 4))
    uniform = kl_divergence(qz, UniformCodesPrior(codebook, (2, 2))(None))
    learned = kl_divergence(qz, AutoregressiveCodes(codebook, (2, 2))(None))
    torch.testing.assert_close(learned, uniform)
    torch.testing.assert_close(uniform, torch.full((6,), 4 * math.log(5)))


def test_trained_jointly_it_passes_nothing_to_the_encoder() -> None:
    torch.manual_seed(0)
    codebook = Codebook(5, 3)
    vae = VAE(
        VectorQuantized(MLP(4, 6), codebook, (2, 2), commitment=0.0),
        AutoregressiveCodes(codebook, (2, 2), width=8, num_heads=2),
        Bernoulli(MLP((3, 2, 2), 6), 4),
    )
    trace = vae(torch.rand(16, 4))
    trace.kl.sum().backward()
    assert all(w.grad is None for w in vae.posterior.net.parameters())
    assert any(w.grad is not None and bool(w.grad.any()) for w in vae.prior.net.parameters())
    torch.testing.assert_close(trace.layers[0].log_pz[0], -trace.kl)


def test_it_learns_that_codes_repeat() -> None:
    """Every position holds the code of the first: log 5 nats in all, where the uniform prior pays 4 log 5."""
    torch.manual_seed(0)
    made = AutoregressiveCodes(Codebook(5, 3), (2, 2), width=16, num_heads=2)
    optimizer = torch.optim.Adam(made.net.parameters(), lr=0.01)
    for _ in range(100):
        codes = torch.randint(5, (64, 1)).expand(-1, 4)
        loss = -made(None).log_prob_of_codes(codes).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) == pytest.approx(math.log(5), abs=0.1)
    cold = made(None).tempered(0.1).sample((50,))
    assert cold.shape == (50, 3, 2, 2)


def test_what_makes_no_sense_is_refused() -> None:
    mine, other = Codebook(5, 3), Codebook(5, 3)
    posterior, likelihood = VectorQuantized(MLP(4, 6), mine, (2, 2)), Bernoulli(MLP((3, 2, 2), 6), 4)
    with pytest.raises(UserError, match="another codebook"):
        VAE(posterior, UniformCodesPrior(other, (2, 2)), likelihood)
    with pytest.raises(UserError, match="another codebook"):
        VAE(posterior, AutoregressiveCodes(other, (2, 2)), likelihood)
    with pytest.raises(
        UserError, match="draws codes of a codebook, and StandardNormal is a prior of real numbers"
    ):
        VAE(posterior, StandardNormal((3, 2, 2)), likelihood)
    with pytest.raises(UserError, match="draws real numbers, and UniformCodesPrior"):
        VAE(DiagonalGaussian(MLP(4, 6), (3, 2, 2)), UniformCodesPrior(mine, (2, 2)), likelihood)
    with pytest.raises(UserError, match="one symbol a position"):
        AutoregressiveCodes(ResidualCodebook(5, 3, 2), (2, 2))
    with pytest.raises(UserError, match="multiple of num_heads"):
        AutoregressiveCodes(mine, (2, 2), width=10)
