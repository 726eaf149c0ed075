"""Poisson, NegativeBinomial and StudentT: formulas by hand, and parameters found again from data."""

from __future__ import annotations

import math

import pytest
import torch

from vaekit import MLP, NegativeBinomial, Poisson, Schema, StudentT, UserError

DOUBLE = torch.float64


def test_a_count_has_the_mass_of_its_formula() -> None:
    n = torch.arange(9, dtype=DOUBLE)[:, None]
    px = Poisson(MLP(2, ()), 1, levels=9).double()(torch.randn(2, dtype=DOUBLE))
    rate = (px.mean * 8).detach()
    expected = n * rate.log() - rate - torch.lgamma(n + 1)
    torch.testing.assert_close(px.log_prob(n / 8).detach(), expected[:, 0])
    px = NegativeBinomial(MLP(2, ()), 1, levels=9, shape=2.5).double()(torch.randn(2, dtype=DOUBLE))
    m, r = (px.mean * 8).detach(), 2.5
    expected = torch.lgamma(n + r) - math.lgamma(r) - torch.lgamma(n + 1)
    expected = expected + r * (r / (r + m)).log() + n * (m / (r + m)).log()
    torch.testing.assert_close(px.log_prob(n / 8).detach(), expected[:, 0])
    torch.testing.assert_close((px.variance * 64).detach(), m + m.square() / r)


def fitted(likelihood, x: torch.Tensor) -> None:
    optimizer = torch.optim.Adam(likelihood.parameters(), lr=0.05)
    z = torch.zeros(2, dtype=DOUBLE)
    for _ in range(400):
        optimizer.zero_grad()
        (-likelihood(z).log_prob(x).mean()).backward()
        optimizer.step()


def test_spread_and_tails_are_found_again() -> None:
    torch.manual_seed(0)
    gamma = torch.distributions.Gamma(torch.tensor(2.0, dtype=DOUBLE), 2.0 / 5.0)
    counts = torch.poisson(gamma.sample((5000, 1)))
    likelihood = NegativeBinomial(MLP(2, ()), 1, levels=101, shape="learned").double()
    fitted(likelihood, counts / 100)
    assert float(likelihood.scale().detach()) == pytest.approx(2.0, rel=0.1)
    assert float(likelihood(torch.zeros(2, dtype=DOUBLE)).mean.detach() * 100) == pytest.approx(5.0, rel=0.05)
    values = torch.distributions.StudentT(torch.tensor(3.0, dtype=DOUBLE), 1.0, 0.5).sample((5000, 1))
    likelihood = StudentT(MLP(2, ()), 1, df="learned").double()
    fitted(likelihood, values)
    base = likelihood(torch.zeros(2, dtype=DOUBLE)).base_dist
    assert float(base.df.detach()) == pytest.approx(3.0, abs=0.5)
    assert float(base.scale.detach()) == pytest.approx(0.5, rel=0.1)
    assert float(base.loc.detach()) == pytest.approx(1.0, abs=0.03)


def test_data_that_are_no_counts_are_refused() -> None:
    for part in (Poisson, NegativeBinomial):
        likelihood = part(MLP(2, ()), 3, levels=9)
        likelihood.check(Schema("array", (3,), low=0.0, high=1.0, levels=9, scale=8.0))
        with pytest.raises(UserError, match="is continuous"):
            likelihood.check(Schema("array", (3,)))
        with pytest.raises(UserError, match="pass levels=20"):
            likelihood.check(Schema("array", (3,), low=0.0, high=1.0, levels=20))
        with pytest.raises(UserError, match="scaled to"):
            likelihood.check(Schema("array", (3,), low=-1.0, high=1.0, levels=9))
    with pytest.raises(UserError, match='df above 0 or "learned"'):
        StudentT(MLP(2, ()), 3, df="learnt")
