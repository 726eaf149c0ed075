"""LogSpectral: a Gaussian of the spectrogram, deaf to phases, whose mean can be heard."""

from __future__ import annotations

import math

import pytest
import torch
from torch.distributions import Normal

from vaekit import MLP, FrameDecoder, LogMel, LogSpectral, Schema, UserError
from vaekit.component import from_config, to_config

SCALES = (0.3, "learned", "per_dimension", "network", "optimal")
SOUND = Schema("audio", (1, 1024), -1.0, 1.0, rate=8000)


def build(scale: float | str = 0.3, condition: int = 0) -> LogSpectral:
    return LogSpectral(
        MLP(3, 8, condition=condition), LogMel((1, 1024), 8000, num_bands=12), scale=scale
    ).eval()


@pytest.mark.parametrize("scale", SCALES)
def test_it_is_a_gaussian_of_the_spectrogram(scale: float | str) -> None:
    likelihood = build(scale).double()
    z, x = torch.randn(4, 2, 3, dtype=torch.float64), 0.1 * torch.randn(2, 1, 1024, dtype=torch.float64)
    px = likelihood(z)
    assert (px.batch_shape, px.event_shape) == ((4, 2), (1, 1024))
    base = px.base.base_dist
    by_hand = Normal(base.loc, base.scale).log_prob(likelihood.spectrogram(x)).sum((-1, -2, -3))
    torch.testing.assert_close(px.log_prob(x), by_hand)
    torch.testing.assert_close(px.log_prob(-x), px.log_prob(x))  # a phase turned by half


def test_the_best_scale_is_that_of_the_batch() -> None:
    """Rybkin et al., 2021: with the optimal sigma the score of a batch is -N/2 (log(2 pi mse) + 1)."""
    likelihood = build("optimal").train()
    z, x = torch.randn(1, 16, 3), 0.1 * torch.randn(16, 1, 1024)
    px = likelihood(z)
    errors = likelihood.spectrogram(x) - px.base.loc
    expected = -(errors[0].numel() / 2) * (math.log(2 * math.pi * float(errors.detach().square().mean())) + 1)
    assert float(px.log_prob(x).detach().sum()) == pytest.approx(expected, rel=1e-5)


def test_the_mean_sounds_like_the_mean_spectrogram() -> None:
    """A decoder that gives the spectrogram of a tone: what is heard is that tone."""
    likelihood = LogSpectral(MLP(3, 8), LogMel((1, 1024), 8000, num_bands=0), scale=0.3).eval()
    tone = 0.5 * torch.sin(2 * math.pi * 500 * torch.arange(1024) / 8000).view(1, 1, 1024)
    wanted = likelihood.spectrogram(tone)
    torch.nn.init.zeros_(likelihood.head.layer.weight)
    with torch.no_grad():
        likelihood.head.layer.bias.copy_(wanted.flatten())
    heard = likelihood(torch.zeros(1, 3)).mean
    spectrum = torch.fft.rfft(heard[0, 0] * torch.hann_window(1024)).abs()
    assert int(spectrum.argmax()) * 8000 / 1024 == pytest.approx(500, abs=16)
    near = (likelihood.spectrogram(heard) - wanted)[..., 16, 2:-2]  # the band of 500 Hz, in decibels
    assert near.abs().mean() * 40 < 2


def test_leading_dimensions_draws_and_config() -> None:
    likelihood = build("learned")
    px = likelihood(torch.randn(3, 2, 3))
    assert px.mean.shape == (3, 2, 1, 1024)
    assert px.sample((2,)).shape == (2, 3, 2, 1, 1024)
    again = from_config(to_config(likelihood)).eval()
    again.load_state_dict(likelihood.state_dict())
    z, x = torch.randn(2, 3), torch.randn(2, 1, 1024)
    assert torch.equal(again(z).log_prob(x), likelihood(z).log_prob(x))
    assert "spectrogram.window" not in likelihood.state_dict()


def test_a_network_over_time_and_a_condition() -> None:
    spectrogram = LogMel((1, 1024), 8000, num_bands=12)
    likelihood = LogSpectral(FrameDecoder((2, 1, 4), 6, (2, 2), condition=3), spectrogram, scale="network")
    px = likelihood(torch.randn(5, 2, 2, 1, 4), torch.eye(3)[:2])
    assert px.base.event_shape == (1, 12, 16)
    assert bool(torch.isfinite(px.log_prob(torch.zeros(2, 1, 1024))).all())
    # As many weights as 12 bands have: the head is a convolution and not a matrix of all frames.
    assert sum(p.numel() for p in likelihood.head.parameters()) == 2 * 12 * (6 + 1)


def test_it_takes_sound_only_and_claims_no_likelihood() -> None:
    build().check(SOUND)
    assert not build().is_likelihood_of(SOUND)
    with pytest.raises(UserError, match="LogSpectral is for sound"):
        build().check(Schema("array", (1, 1024)))
    with pytest.raises(UserError, match='no scale "lerned"'):
        build("lerned")
