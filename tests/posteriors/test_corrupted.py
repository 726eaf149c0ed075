"""Corrupted: noise of the stated kind and size, in training alone, and a model that removes it."""

from __future__ import annotations

import pytest
import torch

from vaekit import (
    ELBO,
    MLP,
    VAE,
    Bernoulli,
    Codebook,
    Corrupted,
    Deterministic,
    DiagonalGaussian,
    Reconstruction,
    StandardNormal,
    UniformCodesPrior,
    UserError,
    VectorQuantized,
)


def test_the_noise_is_of_its_kind_and_size() -> None:
    torch.manual_seed(0)
    x = torch.rand(200, 300)
    plain = DiagonalGaussian(MLP(300, ()), 2)
    difference = Corrupted(plain, 0.3).corrupt(x) - x
    assert float(difference.mean()) == pytest.approx(0, abs=0.01)
    assert float(difference.std()) == pytest.approx(0.3, rel=0.01)
    masked = Corrupted(plain, 0.25, "mask").corrupt(x)
    assert float((masked == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert torch.equal(masked[masked != 0], x[masked != 0])
    flipped = Corrupted(plain, 0.1, "binary").corrupt(x)
    hit = flipped != x
    assert float(hit.float().mean()) == pytest.approx(0.1, abs=0.01)
    torch.testing.assert_close(flipped[hit], 1 - x[hit])


def test_evaluation_sees_clean_data_and_the_trace_judges_by_clean_data() -> None:
    torch.manual_seed(0)
    posterior = DiagonalGaussian(MLP(4, 8), 2)
    model = VAE(Corrupted(posterior, 1.0), StandardNormal(2), Bernoulli(MLP(2, 8), 4))
    x = (torch.rand(16, 4) > 0.5).float()
    assert torch.equal(model.eval().encode(x).mean, posterior(x).mean)
    trace = model.train()(x)
    assert not torch.equal(trace.layers[0].qz.mean, posterior(x).mean)
    assert trace.x is x
    ELBO()(trace).total.backward()


def test_a_denoising_autoencoder_repairs_masked_values() -> None:
    """x repeats one bit four times; with half of the values masked, the autoencoder trained on such restores them."""
    torch.manual_seed(0)
    x = torch.randint(2, (256, 1)).float().expand(-1, 4)
    losses = []
    for posterior in (Deterministic(MLP(4, 16), 2), Corrupted(Deterministic(MLP(4, 16), 2), 0.5, "mask")):
        model = VAE(posterior, StandardNormal(2), Bernoulli(MLP(2, 16), 4))
        optimizer, objective = torch.optim.Adam(model.parameters(), lr=0.01), Reconstruction()
        for _ in range(150):
            optimizer.zero_grad()
            objective(model(x)).total.backward()
            optimizer.step()
        noisy = torch.where(torch.tensor([True, False, False, False]), x, torch.zeros_like(x))
        losses.append(float((model.eval().reconstruct(noisy) - x).square().mean()))
    assert losses[1] < 0.5 * losses[0]


def test_it_wraps_a_quantized_posterior() -> None:
    codebook = Codebook(5, 3)
    posterior = Corrupted(VectorQuantized(MLP(4, 6), codebook, (2,)))
    model = VAE(posterior, UniformCodesPrior(codebook, (2,)), Bernoulli(MLP((3, 2), 6), 4))
    assert model(torch.rand(16, 4)).penalty.shape == (16,)


def test_what_makes_no_sense_is_refused() -> None:
    plain = DiagonalGaussian(MLP(4, 8), 2)
    with pytest.raises(UserError, match="Corrupted already"):
        Corrupted(Corrupted(plain))
    with pytest.raises(UserError, match='no kind "masked"'):
        Corrupted(plain, kind="masked")
    with pytest.raises(UserError, match="a share of at most 1"):
        Corrupted(plain, 1.5, "mask")
