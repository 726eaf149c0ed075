"""code_usage: counts and perplexity against a codebook whose use is known."""

from __future__ import annotations

import pytest
import torch

from vaekit import (
    MLP,
    VAE,
    Bernoulli,
    Codebook,
    DiagonalGaussian,
    ResidualCodebook,
    Schema,
    StandardNormal,
    UniformCodesPrior,
    VectorQuantized,
    code_usage,
    evaluate,
)
from vaekit.data import Part

SCHEMA = Schema("array", (4,), low=0.0, high=1.0, levels=2)


def part() -> Part:
    """Three quarters of the examples are all ones, a quarter all zeros."""
    raw = torch.ones(40, 4)
    raw[::4] = 0
    return Part(raw, None, None, SCHEMA, "none")


def model(codebook) -> VAE:
    torch.manual_seed(0)
    return VAE(
        VectorQuantized(MLP(4, 8), codebook, (2,)),
        UniformCodesPrior(codebook, (2,)),
        Bernoulli(MLP((3, 2), 8), 4),
    )


def test_two_inputs_use_two_codes_at_each_of_two_positions() -> None:
    vae = model(Codebook(16, 3))
    vae(part().raw)  # the codebook starts from the first batch
    found = code_usage(vae.eval(), part())
    assert found["num_codes"] == 16
    codes = vae.encode(part().raw).codes
    shares = torch.bincount(codes.flatten(), minlength=16).double() / codes.numel()
    shares = shares[shares > 0]
    assert found["used"] == len(shares) <= 4
    assert found["perplexity"] == pytest.approx(float((-shares * shares.log()).sum().exp()))
    assert evaluate(vae, part(), num_samples=0)["codes"] == found


def test_every_codebook_of_a_residual_one_is_counted() -> None:
    vae = model(ResidualCodebook(8, 3, 2))
    vae(part().raw)
    found = code_usage(vae.eval(), part())
    assert len(found["per_codebook"]) == 2
    assert found["used"] == sum(each["used"] for each in found["per_codebook"]) / 2


def test_a_model_without_codes_has_no_usage() -> None:
    vae = VAE(DiagonalGaussian(MLP(4, 6), 2), StandardNormal(2), Bernoulli(MLP(2, 6), 4))
    assert code_usage(vae, part()) == {}
    assert "codes" not in evaluate(vae, part(), num_samples=0)
