"""The two halves of a model as plain maps of named tensors, with the noise as an input: what an exporter can write."""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Size, Tensor, nn
from torch.distributions import Distribution, Independent, MultivariateNormal, Normal

from vaekit.distributions.flow import Flow
from vaekit.distributions.shaped import Shaped, center
from vaekit.hierarchical import HierarchicalVAE
from vaekit.interop.chances import ColumnBins, chances
from vaekit.ladder import LadderVAE
from vaekit.likelihoods.log_spectral import OfSpectrogram
from vaekit.likelihoods.table_row import TableRow
from vaekit.model import VAE, Model
from vaekit.semi_supervised import SemiSupervisedVAE
from vaekit.trace import Layer

__all__ = ["ClassDecoder", "ClassEncoder", "Decoder", "Encoder", "Half"]


class Half(nn.Module):
    """A map of named tensors whose first dimension is the batch B.

    Args:
        model: what it is a half of.
        inputs: names of what goes in; "x" is an example, "eps" the noise and "z" the latents, (B, D), "y" the class,
            one-hot (B, C), "codes" integers (B, S, h, w).
    """

    outputs: tuple[str, ...]
    """Names of what comes out."""

    def __init__(self, model: Model, *inputs: str) -> None:
        super().__init__()
        self.model, self.inputs = model, inputs

    def given(self, tensors: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """The inputs by their names."""
        return dict(zip(self.inputs, tensors, strict=True))


class Given:
    """A `Draw` that makes latents of given noise, z = mean + std eps, and keeps their means and spreads.

    Args:
        eps: (B, D) standard normal noise of all layers, from the top down.
    """

    def __init__(self, eps: Tensor) -> None:
        self.eps, self.place, self.is_used = eps, 0, False
        self.zs: list[Tensor] = []
        self.means: list[Tensor] = []
        self.stds: list[Tensor | None] = []

    def __call__(self, qz: Distribution, sample_shape: Size) -> Tensor:
        size = math.prod(qz.event_shape)
        eps = self.eps[:, self.place : self.place + size]
        self.place += size
        z, mean, std = self._moved(qz, eps.expand(*qz.batch_shape, size))
        self.zs.append(z.reshape(-1, size))
        self.means.append(mean.reshape(-1, size))
        self.stds.append(None if std is None else std.reshape(-1, size))
        # Of its own shape, so that a flow knows the draw that it is asked to score.
        shape = (*sample_shape, *qz.batch_shape, *qz.event_shape)
        return z if z.shape == shape else z.reshape(shape)

    def _moved(self, qz: Distribution, eps: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """z, mean and spread, each (*batch, D); no spread where it has no closed form."""
        if isinstance(qz, Shaped):
            return self._moved(qz.base, eps)
        if isinstance(qz, Independent) and isinstance(qz.base_dist, Normal):
            self.is_used = True
            mean, std = qz.mean.reshape(eps.shape), qz.stddev.reshape(eps.shape)
            return mean + std * eps, mean, std
        if isinstance(qz, MultivariateNormal):
            self.is_used = True
            z = qz.loc + (qz.scale_tril @ eps.unsqueeze(-1)).squeeze(-1)
            return z, qz.loc, qz.scale_tril.square().sum(-1).sqrt()
        if isinstance(qz, Flow):
            u, _, _ = self._moved(qz.base, eps)
            return qz.image(u), center(qz), None
        mean = center(qz).reshape(eps.shape)
        return mean, mean, None


class Encoder(Half):
    """x and eps, and the class of a conditional model, to z, its mean and spread, and the KL.

    The latents are one vector (B, D): a map flattened, the layers of a hierarchy from the top down. `kl` is (B, D)
    where it has a term for each dimension, else a column for each layer. `std` is left out where it has no closed
    form, `eps` where nothing is drawn, `kl` where there is none or it depends on a class that the encoder is not told.
    """

    def __init__(self, model: VAE | HierarchicalVAE | LadderVAE) -> None:
        is_told = bool(model.posterior.condition) if isinstance(model, VAE) else bool(model.condition)
        super().__init__(model, "x", *(("y",) if is_told else ()))
        self.num_dims = math.prod(model.latent_shape)
        self.has_kl = model.is_density and (is_told or not model.condition)
        draw, _ = self._pass(torch.zeros(1, *model.likelihood.event_shape), None, None)
        self.has_std = all(std is not None for std in draw.stds)
        if draw.is_used:
            self.inputs = ("x", "eps", *self.inputs[1:])
        self.outputs = ("z", "mean", *(("std",) if self.has_std else ()), *(("kl",) if self.has_kl else ()))

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        given = self.given(tensors)
        draw, layers = self._pass(given["x"], given.get("eps"), given.get("y"))
        out = [torch.cat(draw.zs, -1), torch.cat(draw.means, -1)]
        out += [torch.cat(cast(list[Tensor], draw.stds), -1)] if self.has_std else []
        out += [torch.cat([layer.kl_per_dimension for layer in layers], -1)] if self.has_kl else []
        return tuple(out)

    def _pass(self, x: Tensor, eps: Tensor | None, y: Tensor | None) -> tuple[Given, list[Layer]]:
        draw = Given(x.new_zeros(x.shape[0], self.num_dims) if eps is None else eps)
        if y is None and self.model.condition:
            y = x.new_zeros(x.shape[0], self.model.condition)  # for a prior that nobody asks about
        model = cast(VAE, self.model)
        return draw, model.trace(x, y, draw=draw).layers


class ClassEncoder(Half):
    """The encoder of a `SemiSupervisedVAE`: x, eps and y to z, its mean, spread and KL, and q(y|x).

    A row of zeros in y stands for a class that is not known; the likeliest one takes its place.
    """

    outputs = ("z", "mean", "std", "kl", "class")

    def __init__(self, model: SemiSupervisedVAE) -> None:
        super().__init__(model, "x", "eps", "y")

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        x, eps, y = tensors
        model = cast(SemiSupervisedVAE, self.model)
        log_qy = model.log_class_probabilities(x)
        likeliest = F.one_hot(log_qy.argmax(-1), model.num_classes).to(x.dtype)
        qz = model.posterior(x, torch.where(y.sum(-1, keepdim=True) > 0, y, likeliest))
        draw = Given(eps)
        layer = Layer(draw(qz, Size([1])), qz, model.prior(None, None))
        std = draw.stds[0]
        assert std is not None
        return draw.zs[0], draw.means[0], std, layer.kl_per_dimension, log_qy.exp()


class Decoder(Half):
    """z, and the class of a conditional model, to the mean of p(x|z); where x is given too, log p(x|z).

    Of sound that is judged by its spectrogram, `mean` is the mean log-mel spectrogram, and `magnitude` is of all
    frequencies (B, frames, F), to find phases for. Of tables, `chance` is laid out as `chances` says.

    Args:
        model: what it is a half of.
        bins: of the columns of a table.
        is_scored: take x and give log p(x|z).
    """

    def __init__(self, model: Model, *, bins: list[ColumnBins] | None = None, is_scored: bool = True) -> None:
        part = model.likelihood if isinstance(model, VAE) else model
        super().__init__(model, "z", *(("y",) if part.condition else ()), *(("x",) if is_scored else ()))
        self.bins = bins
        px = self._px({"z": torch.zeros(1, math.prod(model.latent_shape)), "y": torch.zeros(1, part.condition)})
        self.more: tuple[str, ...] = ()
        if isinstance(px, OfSpectrogram):
            self.more = ("magnitude",)
        elif isinstance(px, TableRow) and bins is not None:
            self.more = ("chance",)
        self.outputs = ("mean", *self.more, *(("log_px",) if is_scored else ()))

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        given = self.given(tensors)
        px = self._px(given)
        score = (px.log_prob(given["x"]),) if "x" in given else ()
        if isinstance(px, OfSpectrogram):
            return px.base.mean, px.spectrogram.to_magnitudes(px.base.mean).squeeze(1), *score
        if isinstance(px, TableRow) and self.bins is not None:
            return px.mean, chances(px, self.bins), *score
        return px.mean, *score

    def _px(self, given: dict[str, Tensor]) -> Distribution:
        z = given["z"].reshape(-1, *self.model.latent_shape)
        return self.model.decode(z, given["y"] if "y" in self.inputs else None)


class ClassDecoder(Decoder):
    """The decoder of a `SemiSupervisedVAE`: the class and z are inputs of their own."""

    def __init__(self, model: SemiSupervisedVAE, *, is_scored: bool = True) -> None:
        Half.__init__(self, model, "z", "y", *(("x",) if is_scored else ()))
        self.bins, self.more = None, ()
        self.outputs = ("mean", *(("log_px",) if is_scored else ()))

    def _px(self, given: dict[str, Tensor]) -> Distribution:
        return self.model.decode(torch.cat([given["y"], given["z"]], -1))
