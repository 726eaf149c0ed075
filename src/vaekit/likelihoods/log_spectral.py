"""LogSpectral: the likelihood of sound, judged as one hears it."""

from __future__ import annotations

import torch
from torch import Size, Tensor
from torch.distributions import Distribution, Normal, constraints
from torch.types import _size

from vaekit.conditional import Likelihood
from vaekit.errors import UserError
from vaekit.likelihoods.scale import around, scale_of
from vaekit.nets.net import Head, Net
from vaekit.nets.spectrogram import LogMel
from vaekit.schema import Schema


class LogSpectral(Likelihood):
    """p(x|z) by the spectrogram of x: s(x) ~ N(mu(z), sigma^2), s the logarithm of magnitudes in mel bands.

    The ear hears magnitudes by their logarithm and hardly hears phases, and a decoder that must get the phases right
    learns little else. The score is a density of s(x), not of x: two waveforms with one spectrogram score alike. The
    mean is a waveform whose spectrogram is near mu(z).

    Args:
        net: the decoder network, taking z.
        spectrogram: s.
        scale: sigma, as in `Gaussian`: a number, "learned", "per_dimension", "network" or "optimal" (Rybkin et al.,
            "Simple and Effective VAE Training with Calibrated Decoders", 2021).
        num_steps: of the phase reconstruction.

    Raises:
        UserError: a scale that is neither above 0 nor one of the names.
    """

    note = (
        "The score is a density of the log spectrogram, not of the samples: ELBO and NLL compare only with other runs "
        "of the same spectrogram on the same data. The squared error is that of waveforms, whose phases the model "
        "does not keep: it says little about what is heard."
    )
    """What evaluations say beside their figures."""

    def __init__(
        self, net: Net, spectrogram: LogMel, *, scale: float | str = "optimal", num_steps: int = 32
    ) -> None:
        super().__init__()
        self.net, self.spectrogram, self.num_steps = net, spectrogram, num_steps
        self.event_shape, self.context_shape = spectrogram.in_shape, net.in_shape
        self.condition = net.condition
        self.scale = scale_of(scale, spectrogram.out_shape, owner="LogSpectral", power=2)
        _, bands, frames = spectrogram.out_shape
        # Networks that convolve over time have the bands as channels.
        is_sequence = len(net.out_shape) == 3 and net.out_shape[1:] == (1, frames)
        shape = (bands, 1, frames) if is_sequence else spectrogram.out_shape
        self.head = Head(net.out_shape, shape, 1 + self.scale.num_params)

    def forward(self, context: Tensor | None, condition: Tensor | None = None) -> Distribution:
        assert context is not None
        params = self.head(self.net(context, condition))
        loc, *rest = params.reshape(*params.shape[:-3], *self.spectrogram.out_shape)
        base = around(Normal, loc, rest, self.scale, len(self.spectrogram.out_shape))
        return OfSpectrogram(base, self.spectrogram, self.num_steps)

    def check(self, schema: Schema) -> None:
        if schema.kind != "audio":
            raise UserError(
                f"LogSpectral is for sound; {schema.name} is of kind {schema.kind}. Use Gaussian for other data."
            )

    def is_likelihood_of(self, schema: Schema) -> bool:
        """Of no data: it is a density of the spectrogram."""
        return False


class OfSpectrogram(Distribution):
    """A distribution over spectrograms, asked about waveforms.

    Args:
        base: over spectrograms, event shape `spectrogram.out_shape`.
        spectrogram: the map from waveforms.
        num_steps: of the phase reconstruction.
    """

    arg_constraints = {}  # noqa: RUF012
    support = constraints.real

    def __init__(self, base: Distribution, spectrogram: LogMel, num_steps: int) -> None:
        self.base, self.spectrogram, self.num_steps = base, spectrogram, num_steps
        super().__init__(base.batch_shape, Size(spectrogram.in_shape), validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        return self.base.log_prob(self.spectrogram(value))

    @property
    def mean(self) -> Tensor:
        """A waveform whose spectrogram is near the mean spectrogram; carries no gradient."""
        return self._waveforms(self.base.mean)

    @property
    def mode(self) -> Tensor:
        return self.mean

    @torch.no_grad()
    def sample(self, sample_shape: _size = ()) -> Tensor:
        return self._waveforms(self.base.sample(Size(sample_shape)))

    def _waveforms(self, log_mel: Tensor) -> Tensor:
        lead = log_mel.shape[: log_mel.ndim - 3]
        flat = log_mel.reshape(-1, *self.spectrogram.out_shape)
        # In small batches: a spectrum takes eight times the room of its waveform.
        sounds = [self.spectrogram.inverse(part, num_steps=self.num_steps) for part in flat.split(64)]
        return torch.cat(sounds).to(log_mel.dtype).reshape(*lead, *self.event_shape)
