"""MultiResolutionSpectral: how differently two waveforms sound, at several resolutions of time and frequency."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaekit.errors import UserError
from vaekit.objectives.with_reconstruction import Unlikeness

if TYPE_CHECKING:
    from vaekit.model import Model

# |S|^2 below this is silence: -100 dB of a sine of full scale in a window of 512, and a finite slope of the logarithm.
FLOOR = 1e-6


class MultiResolutionSpectral(Unlikeness):
    """Spectral convergence plus the mean difference of log magnitudes, averaged over window sizes.

    Yamamoto, Song and Kim, "Parallel WaveGAN: A Fast Waveform Generation Model Based on Generative Adversarial Networks
    with Multi-Resolution Spectrogram", 2020. For a decoder whose mean is a waveform; `LogSpectral` needs no such help.

    Args:
        sizes: samples in the windows; each moves on by a quarter.

    Raises:
        UserError: no sizes, or one that is no multiple of 4.

    Example:
        >>> x = torch.randn(2, 1, 2048)
        >>> MultiResolutionSpectral()(x, -x[None]).tolist()  # phases do not count
        [[0.0, 0.0]]
    """

    name = "spectral_loss"

    def __init__(self, sizes: Sequence[int] = (128, 256, 512)) -> None:
        super().__init__()
        if not sizes or any(size < 8 or size % 4 for size in sizes):
            raise UserError(
                f"MultiResolutionSpectral takes window sizes of at least 8, multiples of 4; {tuple(sizes)} came."
            )
        self.sizes = tuple(sizes)

    def check(self, model: Model) -> None:
        shape = model.likelihood.event_shape
        if len(shape) != 2 or shape[1] < max(self.sizes):
            raise UserError(
                f"MultiResolutionSpectral compares waveforms (channels, T) of at least {max(self.sizes)} samples; x "
                f"has shape {shape}."
            )

    def forward(self, x: Tensor, mean: Tensor) -> Tensor:
        a, b = x.expand_as(mean), mean
        total = torch.zeros(mean.shape[:2]).to(mean)
        for size in self.sizes:
            clean, heard = (self.magnitudes(v, size).flatten(2) for v in (a, b))
            convergence = (clean - heard).norm(dim=-1) / clean.norm(dim=-1).clamp(min=FLOOR**0.5)
            total = total + convergence + (clean.log() - heard.log()).abs().mean(-1)
        return total / len(self.sizes)

    def magnitudes(self, x: Tensor, size: int) -> Tensor:
        """(..., T) to (..., frames, size / 2 + 1), at least the square root of FLOOR."""
        window = torch.hann_window(size).to(x)
        spectra = torch.fft.rfft(x.unfold(-1, size, size // 4) * window)
        return (spectra.real.square() + spectra.imag.square()).clamp(min=FLOOR).sqrt()
