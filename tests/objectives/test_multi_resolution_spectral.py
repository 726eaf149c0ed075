"""MultiResolutionSpectral: nothing for equal sounds whatever their phase, and a decoder of waveforms learns by it."""

from __future__ import annotations

import math

import pytest
import torch

from vaekit import (
    ELBO,
    MLP,
    VAE,
    DiagonalGaussian,
    Gaussian,
    MultiResolutionSpectral,
    StandardNormal,
    UserError,
    WithReconstruction,
)

T = 1024


def tone(hertz: float, phase: float = 0.0, level: float = 0.5) -> torch.Tensor:
    return level * torch.sin(2 * math.pi * hertz * torch.arange(T) / 8000 + phase).view(1, 1, T)


def test_it_hears_pitch_and_level_and_no_phase() -> None:
    distance = MultiResolutionSpectral()
    x = tone(440)
    same, turned, softer, other = (
        float(distance(x, y[None])) for y in (x, tone(440, math.pi / 2), tone(440, level=0.25), tone(880))
    )
    assert same == 0
    assert turned < 0.5 < softer < other
    # Half the level: half of the magnitudes are gone, and the logarithm is log 2 less wherever there is sound.
    assert 0.5 < softer < 0.5 + math.log(2)


def test_by_hand_at_one_resolution() -> None:
    torch.manual_seed(0)
    x, y = torch.randn(3, 1, 64), torch.randn(2, 3, 1, 64)
    window = torch.hann_window(16)

    def magnitudes(v: torch.Tensor) -> torch.Tensor:
        frames = torch.stack([v[..., i : i + 16] for i in range(0, 49, 4)], -2)
        return torch.fft.rfft(frames * window).abs()

    S, R = magnitudes(x).expand(2, -1, -1, -1, -1), magnitudes(y)
    expected = ((S - R).square().sum((2, 3, 4)) / S.square().sum((2, 3, 4))).sqrt()
    expected = expected + (S.log() - R.log()).abs().mean((2, 3, 4))
    torch.testing.assert_close(MultiResolutionSpectral((16,))(x, y), expected, rtol=1e-4, atol=1e-4)


def test_gradients_are_finite_in_silence() -> None:
    y = torch.zeros(1, 1, 1, T, requires_grad=True)
    MultiResolutionSpectral()(tone(440), y).sum().backward()
    assert bool(torch.isfinite(y.grad).all())


def test_a_decoder_of_waveforms_learns_by_it() -> None:
    x = torch.cat([tone(300 + 100 * (i % 4), phase=0.7 * i) for i in range(16)])
    model = VAE(
        DiagonalGaussian(MLP((1, T), 32), 4), StandardNormal(4), Gaussian(MLP(4, 32), (1, T), scale=0.1)
    )
    objective = WithReconstruction(ELBO(), MultiResolutionSpectral((128, 256)), weight=1000.0)
    objective.check(model)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    losses = []
    for _ in range(60):
        loss = objective(model(x, None, 1))
        optimizer.zero_grad()
        loss.total.backward()
        optimizer.step()
        losses.append(float(loss.terms["spectral_loss"].detach().mean()))
    assert losses[-1] < 0.75 * losses[0]


def test_what_it_cannot_compare_is_refused() -> None:
    with pytest.raises(UserError, match="multiples of 4"):
        MultiResolutionSpectral((130,))
    images = VAE(DiagonalGaussian(MLP((1, 8, 8), 4), 2), StandardNormal(2), Gaussian(MLP(2, 4), (1, 8, 8)))
    with pytest.raises(UserError, match="waveforms"):
        MultiResolutionSpectral().check(images)
