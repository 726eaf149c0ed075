"""LogMel: exact both ways where it can be, near where phases are lost, in decibels, and causal where asked."""

from __future__ import annotations

import math

import pytest
import torch

from vaekit import LogMel, UserError

RATE, T = 8000, 4096


def chirp(low: float = 200.0, high: float = 2500.0) -> torch.Tensor:
    """A voice-like sound: a gliding tone with three harmonics that swells and fades, (1, 1, T)."""
    t = torch.arange(T, dtype=torch.float64) / RATE
    phase = 2 * math.pi * (low * t + (high - low) / 8 * t**2 / (T / RATE))
    sound = sum((k * phase).sin() / k for k in (1, 2, 3))
    return (0.3 * sound * (math.pi * t * RATE / T).sin()).view(1, 1, T)


@pytest.mark.parametrize(("hop", "size"), [(64, 256), (128, 512), (100, 256), (64, 128)])
@pytest.mark.parametrize(("dtype", "error"), [(torch.float64, 1e-12), (torch.float32, 1e-6)])
def test_the_transform_is_inverted_exactly(hop: int, size: int, dtype: torch.dtype, error: float) -> None:
    net = LogMel((1, 20 * hop), RATE, hop=hop, size=size).to(dtype)
    x = 2 * torch.rand(3, 1, 20 * hop, dtype=dtype) - 1
    assert (net.istft(net.stft(x)) - x).abs().max() < error


def test_the_inverse_is_the_nearest_waveform() -> None:
    """Griffin and Lim, 1984: of all waveforms, istft(S) has the spectra nearest to S."""
    net = LogMel((1, 1280), RATE).double()
    S = torch.randn(1, 1, 20, 129, dtype=torch.complex128)
    S[..., 0], S[..., -1] = S[..., 0].real + 0j, S[..., -1].real + 0j
    frames = torch.fft.irfft(S, n=256)
    x = net.istft(S).requires_grad_()
    error = (torch.fft.irfft(net.stft(x), n=256) - frames).square().sum()
    (gradient,) = torch.autograd.grad(error, x)
    # The ends, where hardly any window has weight, are damped.
    assert gradient[..., 64:-64].abs().max() < 1e-9


def test_a_sine_of_full_scale_has_0_db_in_its_bin_and_silence_the_floor() -> None:
    net = LogMel((1, T), RATE, num_bands=0, floor_db=-80)
    sine = torch.sin(2 * math.pi * 1000 * torch.arange(T) / RATE).view(1, 1, T)
    for gain, db in ((1.0, 0.0), (0.1, -20.0), (0.01, -40.0)):
        middle = net(gain * sine)[0, 0, :, 20]
        assert int(middle.argmax()) == 32  # 1000 Hz in steps of 31.25 Hz
        expected = 1 + db / 40  # 1 is 0 dB, -1 is -80 dB
        assert float(middle.max()) == pytest.approx(expected, abs=2e-2)
    assert torch.equal(net(torch.zeros(1, 1, T)), -torch.ones(1, 1, 129, 64))


def test_bands_cover_the_frequencies() -> None:
    net = LogMel((1, T), RATE)
    assert torch.allclose(net.bands.sum(0), torch.ones(48))
    assert bool((net.bands[1:-1].sum(1) > 0).all()), "a frequency is in no band"
    centres = (net.bands * torch.linspace(0, RATE / 2, 129)[:, None]).sum(0)
    assert bool((centres.diff() > 0).all())
    assert centres.diff()[-1] > 3 * centres.diff()[0]  # wider where the ear is coarser


@pytest.mark.parametrize(("bands", "error"), [(0, 1.5), (48, 3.0)])
def test_phases_are_found_that_fit_the_spectrogram(bands: int, error: float) -> None:
    """In decibels, over the parts within 50 dB of the loudest."""
    net, x = LogMel((1, T), RATE, num_bands=bands), chirp().float()
    log_mel = net(x)
    heard = log_mel > log_mel.max() - 50 / 40
    off = (net(net.inverse(log_mel)) - log_mel)[heard].abs().mean() * 40
    rough = (net(net.inverse(log_mel, num_steps=0)) - log_mel)[heard].abs().mean() * 40
    assert off < error < rough


def test_the_inverse_is_repeatable_and_draws_nothing() -> None:
    net, state = LogMel((1, T), RATE), torch.get_rng_state()
    log_mel = net(chirp().float())
    assert torch.equal(net.inverse(log_mel), net.inverse(log_mel))
    assert torch.equal(net.inverse(log_mel.expand(3, -1, -1, -1))[1], net.inverse(log_mel)[0])
    assert torch.equal(state, torch.get_rng_state())


def test_causal_frames_see_nothing_that_follows() -> None:
    net = LogMel((1, T), RATE, causal=True)
    x = torch.randn(1, 1, T)
    later = x.clone()
    later[..., 640:] = 0
    same = (net(x) == net(later)).all(2).flatten()
    assert bool(same[:10].all())
    assert not bool(same[10:13].any())
    assert (net.istft(net.stft(x)) - x)[..., : T - 64].abs().max() < 1e-4


@pytest.mark.parametrize(
    ("rate", "hop"), [(8000, 64), (16000, 128), (22050, 128), (44100, 256), (48000, 512)]
)
def test_windows_follow_the_rate(rate: int, hop: int) -> None:
    net = LogMel((1, 8192), rate)
    assert (net.hop, net.size) == (hop, 4 * hop)


@pytest.mark.parametrize(
    "arguments", [{"in_shape": (2, 64)}, {"in_shape": (1, 65)}, {"hop": 200, "size": 256}, {"floor_db": 0.0}]
)
def test_nonsense_is_refused(arguments: dict) -> None:
    with pytest.raises(UserError, match="LogMel"):
        LogMel(**{"in_shape": (1, 6400), "rate": RATE, **arguments})
