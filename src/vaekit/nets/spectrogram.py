"""LogMel: waveforms to log-magnitude mel spectrograms, and back to waveforms by phase reconstruction."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from vaekit.errors import UserError
from vaekit.nets.net import Net, as_shape

HOP_SECONDS = 0.008
MOMENTUM = 0.99
"""Of the fast Griffin-Lim algorithm; the paper's best."""


class LogMel(Net):
    """log |STFT| in mel bands, (1, T) to (1, bands, frames); 0 dB is a sine of full scale in one bin.

    Values are scaled so that -1 is `floor_db` or less and 1 is 0 dB. The way back, `inverse`, solves for the magnitudes
    of all frequencies and finds phases that fit them: Perraudin, Balazs and Soendergaard, "A Fast Griffin-Lim
    Algorithm", 2013.

    Args:
        in_shape: (1, T); T a whole number of hops.
        rate: samples a second, Hz.
        num_bands: mel bands; 0 keeps all frequencies of the transform.
        hop: samples from one window to the next; by default the power of two that is nearest to 8 ms.
        size: samples in a window; by default 4 hops, at least 2.
        floor_db: what counts as silence.
        causal: a frame ends where its hop ends, so that it sees nothing of what follows.

    Raises:
        UserError: a shape that is not (1, T), or T that no number of hops fills.

    Example:
        >>> LogMel((1, 8192), 8000).out_shape
        (1, 48, 128)
    """

    window: Tensor
    bands: Tensor
    unmix: Tensor

    def __init__(
        self,
        in_shape: Sequence[int],
        rate: int,
        *,
        num_bands: int = 48,
        hop: int | None = None,
        size: int | None = None,
        floor_db: float = -80.0,
        causal: bool = False,
    ) -> None:
        super().__init__()
        self.in_shape = as_shape(in_shape)
        hop = self.hop_of(rate) if hop is None else hop
        size = 4 * hop if size is None else size
        if len(self.in_shape) != 2 or self.in_shape[0] != 1 or self.in_shape[1] % hop:
            raise UserError(
                f"LogMel takes one channel of sound, (1, T), T a multiple of {hop} samples; {self.in_shape} came."
            )
        if not 0 < 2 * hop <= size or not 0 <= num_bands <= size // 2 or floor_db >= 0:
            raise UserError(
                "LogMel needs a hop of at most half of size, num_bands at most size / 2, and floor_db below 0; "
                f"size={size}, hop={hop}, num_bands={num_bands}, floor_db={floor_db} came."
            )
        self.size, self.hop, self.floor = size, hop, 10 ** (floor_db / 20)
        self.before = size - hop if causal else (size - hop) // 2
        self.after = size - hop - self.before
        bands = mel_bands(num_bands, size, rate) if num_bands else torch.eye(size // 2 + 1)
        self.out_shape = (1, bands.shape[1], self.in_shape[1] // hop)
        # In double precision and then rounded, so that every machine has the same.
        self.register_buffer("window", torch.hann_window(size, dtype=torch.float64).float(), persistent=False)
        self.register_buffer("bands", bands, persistent=False)
        self.register_buffer("unmix", torch.linalg.pinv(bands.double()).float(), persistent=False)

    @staticmethod
    def hop_of(rate: int) -> int:
        """The power of two samples that is nearest to 8 ms."""
        return 2 ** round(math.log2(HOP_SECONDS * rate))

    def transform(self, x: Tensor, condition: Tensor | None) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            return self.to_log(self.stft(x.to(self.window.dtype)).abs())

    def stft(self, x: Tensor) -> Tensor:
        """Waveforms (N, 1, T) to complex spectra (N, 1, frames, size / 2 + 1)."""
        frames = F.pad(x, (self.before, self.after)).unfold(-1, self.size, self.hop)
        return torch.fft.rfft(frames * self.window)

    def istft(self, spectra: Tensor) -> Tensor:
        """The inverse of `stft`: (N, 1, frames, size / 2 + 1) to the waveforms (N, 1, T) that fit best."""
        frames = torch.fft.irfft(spectra, n=self.size) * self.window
        weight = self._add((self.window**2).expand_as(frames[:1]))
        return self._add(frames) / weight.clamp(min=1e-3 * float(weight.max()))

    def _add(self, frames: Tensor) -> Tensor:
        """Overlapping frames (N, 1, frames, size), added up where they lie."""
        num, total = len(frames), self.in_shape[1] + self.size - self.hop
        columns = frames.flatten(0, 1).mT
        added = F.fold(columns, (1, total), (1, self.size), stride=(1, self.hop)).reshape(num, 1, total)
        return added[..., self.before : self.before + self.in_shape[1]]

    def to_log(self, magnitudes: Tensor) -> Tensor:
        """|STFT|, (N, 1, frames, F), to scaled logarithms of its bands, (N, 1, bands, frames)."""
        full_scale = self.window.sum() / 2
        banded = (magnitudes / full_scale) @ self.bands
        return (1 - 2 * (banded + self.floor).log() / math.log(self.floor)).mT

    def to_magnitudes(self, log_mel: Tensor) -> Tensor:
        """The least magnitudes (N, 1, frames, F) whose bands are near `log_mel`, by non-negative least squares."""
        banded = (((1 - log_mel.mT) / 2 * math.log(self.floor)).exp() - self.floor).clamp(min=0)
        found = (banded @ self.unmix).clamp(min=0)
        if self.bands.shape[0] != self.bands.shape[1]:
            found = found + 1e-3 * banded.mean(-1, keepdim=True)
            wanted = banded @ self.bands.T
            for _ in range(20):  # Lee and Seung's multiplicative steps keep every value above 0
                found = found * wanted / ((found @ self.bands) @ self.bands.T + 1e-12)
        return found * (self.window.sum() / 2)

    @torch.no_grad()
    def inverse(self, log_mel: Tensor, *, num_steps: int = 32) -> Tensor:
        """Spectrograms (N, 1, bands, frames) to waveforms (N, 1, T) whose spectrograms are near them.

        Starts from fixed random phases, so that the same spectrogram always gives the same sound.

        Args:
            log_mel: as `forward` gives them.
            num_steps: of the fast Griffin-Lim algorithm.
        """
        magnitudes = self.to_magnitudes(log_mel.to(self.window.dtype))
        generator = torch.Generator().manual_seed(0)
        angle = 2 * math.pi * torch.rand(magnitudes.shape[1:], generator=generator).to(magnitudes)
        phases = torch.polar(torch.ones_like(angle), angle).expand(magnitudes.shape)
        before = torch.zeros_like(phases)
        for _ in range(num_steps):
            spectra = self.stft(self.istft(magnitudes * phases))
            ahead = spectra - MOMENTUM / (1 + MOMENTUM) * before
            before, phases = spectra, ahead / (ahead.abs() + 1e-12)
        return self.istft(magnitudes * phases)


def mel_bands(num_bands: int, size: int, rate: int) -> Tensor:
    """Triangles that are equally wide in mel, (size / 2 + 1, num_bands), each summing to 1.

    Stevens, Volkmann and Newman, "A Scale for the Measurement of the Psychological Magnitude Pitch", 1937, in
    O'Shaughnessy's form, 2595 log10(1 + f / 700). A band narrower than the transform's bins takes the nearest bin.
    """
    frequencies = torch.linspace(0, rate / 2, size // 2 + 1, dtype=torch.float64)
    highest = 2595 * math.log10(1 + rate / 1400)
    edges = 700 * (10 ** (torch.linspace(0, highest, num_bands + 2, dtype=torch.float64) / 2595) - 1)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (frequencies[:, None] - low) / (middle - low)
    falling = (high - frequencies[:, None]) / (high - middle)
    bands = torch.minimum(rising, falling).clamp(min=0)
    for band in (bands.sum(0) == 0).nonzero().flatten().tolist():
        bands[(frequencies - middle[band]).abs().argmin(), band] = 1
    return (bands / bands.sum(0)).float()
