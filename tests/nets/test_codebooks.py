"""Codebooks: vectors and codes agree, gradients pass straight through once, and commitment is a sum over positions."""

from __future__ import annotations

import pytest
import torch

from vaekit import Codebook, Quantizer, ResidualCodebook, ScalarCodebook, UserError
from vaekit.component import from_config, to_config

MAKE = {
    "Codebook": lambda: Codebook(16, 3),
    "ResidualCodebook": lambda: ResidualCodebook(8, 3, 3),
    "ScalarCodebook": lambda: ScalarCodebook((5, 4, 3)),
}
every = pytest.mark.parametrize("name", list(MAKE))


def started(name: str) -> Quantizer:
    """A codebook that has seen data."""
    torch.manual_seed(0)
    codebook = MAKE[name]()
    codebook(torch.randn(64, 4, 3))
    return codebook.eval()


@every
def test_codes_stand_for_the_vectors(name: str) -> None:
    codebook = started(name)
    x = torch.randn(10, 4, 3)
    vectors, codes = codebook(x)
    assert codes.shape == (10, 4, *((codebook.num_symbols,) if codebook.num_symbols > 1 else ()))
    assert 0 <= int(codes.min()) <= int(codes.max()) < codebook.num_codes
    torch.testing.assert_close(codebook.lookup(codes), vectors, rtol=0, atol=1e-6)
    if codebook.num_symbols == 1:
        assert torch.equal(codebook.codes_of(vectors), codes)
        everything = codebook.lookup(torch.arange(codebook.num_codes))
        torch.testing.assert_close(codebook.mean, everything.mean(0))
    again = from_config(to_config(codebook))
    again.load_state_dict(codebook.state_dict())
    assert torch.equal(again.eval()(x)[1], codes)


@pytest.mark.parametrize("name", ["Codebook", "ResidualCodebook"])
def test_the_gradient_passes_straight_through_once(name: str) -> None:
    codebook = started(name).train()
    x = torch.randn(10, 4, 3, requires_grad=True)
    weight = torch.randn(10, 4, 3)
    (gradient,) = torch.autograd.grad((codebook(x)[0] * weight).sum(), x)
    torch.testing.assert_close(gradient, weight)


def test_scalars_round_a_bounded_value_and_take_its_gradient() -> None:
    codebook = ScalarCodebook((5, 5, 5))
    x = torch.linspace(-4, 4, 30).reshape(1, 10, 3).requires_grad_()
    vectors, _ = codebook(x)
    bounded = torch.tanh(x) * 4 * 1.001 / 2  # the paper's f(z) = floor(L / 2) tanh(z), for odd L
    torch.testing.assert_close(vectors, bounded.round() / 2, rtol=0, atol=1e-6)
    (found,) = torch.autograd.grad(vectors.sum(), x, retain_graph=True)
    (expected,) = torch.autograd.grad((bounded / 2).sum(), x)
    torch.testing.assert_close(found, expected)


@every
def test_all_scalar_codes_are_different_and_a_round_trip(name: str) -> None:
    codebook = started(name)
    if codebook.num_symbols > 1:
        with pytest.raises(UserError, match="not unique"):
            codebook.codes_of(torch.zeros(1, 3))
        return
    codes = torch.arange(codebook.num_codes)
    vectors = codebook.lookup(codes)
    assert len(vectors.unique(dim=0)) == codebook.num_codes
    assert torch.equal(codebook.codes_of(vectors), codes)


def test_each_residual_vector_is_the_nearest_to_what_is_left() -> None:
    codebook = started("ResidualCodebook")
    x = torch.randn(10, 4, 3)
    _, codes = codebook(x)
    left, total = x, torch.zeros(10)
    for s in range(3):
        nearest = torch.cdist(left, codebook.vectors[s]).argmin(-1)
        assert torch.equal(nearest, codes[..., s])
        left = left - codebook.vectors[s][nearest]
        total = total + left.square().sum((1, 2))
    torch.testing.assert_close(codebook.commitment(x, codes), total)
    assert float(left.square().mean()) < 0.5 * float(x.square().mean())


@pytest.mark.parametrize("name", ["Codebook", "ResidualCodebook"])
def test_the_commitment_of_an_example_does_not_know_its_batch(name: str) -> None:
    codebook = started(name)
    x = torch.randn(6, 4, 3)
    _, codes = codebook(x)
    whole = codebook.commitment(x, codes)
    torch.testing.assert_close(codebook.commitment(x[2:3], codes[2:3]), whole[2:3])
    assert ScalarCodebook((3, 3, 3)).commitment(x, codes) is None


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UserError, match="at least 3 levels"):
        ScalarCodebook((8, 2))
    with pytest.raises(UserError, match="at least 2 codebooks"):
        ResidualCodebook(8, 3, 1)
    with pytest.raises(UserError, match="at least 2 codes"):
        ResidualCodebook(1, 3, 2)
