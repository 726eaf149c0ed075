"""The two halves of a model as plain maps of named tensors, with the noise as an input: what an exporter can write."""

from __future__ import annotations

import math
from typing import cast

import torch
import torch.nn.functional as F
from torch import Size, Tensor, nn
from torch.distributions import Distribution

from vaekit.conditional import Posterior, is_curved, is_exact
from vaekit.errors import UserError
from vaekit.hierarchical import HierarchicalVAE
from vaekit.interop.columns import Layout, chances, summaries
from vaekit.interop.noise import Given, Kept
from vaekit.ladder import LadderVAE
from vaekit.likelihoods.log_spectral import OfSpectrogram
from vaekit.likelihoods.table_row import TableRow
from vaekit.model import VAE, Model
from vaekit.semi_supervised import SemiSupervisedVAE
from vaekit.trace import Layer

__all__ = ["ClassDecoder", "ClassEncoder", "Decoder", "Encoder", "Half", "Redraw"]


class Half(nn.Module):
    """A map of named tensors whose first dimension is the batch B.

    Args:
        model: what it is a half of.
        inputs: names of what goes in; "x" is an example, "eps" the noise and "z" the latents, (B, D), "y" the class,
            one-hot (B, C), "codes" integers (B, h, w).
    """

    outputs: tuple[str, ...]
    """Names of what comes out."""
    num_dims: int = 0
    """D, of an encoder."""

    def __init__(self, model: Model, *inputs: str) -> None:
        super().__init__()
        self.model, self.inputs = model, inputs

    def given(self, tensors: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """The inputs by their names."""
        return dict(zip(self.inputs, tensors, strict=True))


class Encoder(Half):
    """x and eps, and the class of a conditional model, to z, its mean and spread, and the KL.

    The latents are one vector (B, D): a map flattened, the layers of a hierarchy from the top down. `kl` is (B, D)
    where it has a term for each dimension, else a column for each layer. `std` is left out where it has no closed
    form, `eps` where nothing is drawn, `kl` where there is none, where it is only estimated, or where it depends on a
    class that the encoder is not told.

    Raises:
        UserError: a posterior that draws along a gradient.
    """

    def __init__(self, model: VAE | HierarchicalVAE | LadderVAE) -> None:
        if not is_exact(model, Posterior):
            raise UserError(
                "HamiltonianPosterior follows the decoder's gradient, for which ONNX has no operator: the model can be "
                "neither exported nor explored; sample, embed and evaluate work for it."
            )
        is_told = bool(model.posterior.condition) if isinstance(model, VAE) else bool(model.condition)
        super().__init__(model, "x", *(("y",) if is_told else ()))
        self.num_dims = math.prod(model.latent_shape)
        # On a sphere the KL is a series of Bessel functions, on a ball it is known for a draw alone, and none is made.
        is_known = model.is_density and not is_curved(model) and is_exact(model)
        self.has_kl = is_known and (is_told or not model.condition)
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
        self.num_dims = model.posterior.event_shape[0]

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

    Of sound that is judged by its spectrogram, `mean` is the mean log-mel spectrogram. Of tables, `mean` sums up every
    column and `chance` holds the chances of bins, as `Layout` says.

    Args:
        model: what it is a half of.
        layout: of the columns of a table.
        is_scored: take x and give log p(x|z).
    """

    def __init__(self, model: Model, *, layout: Layout | None = None, is_scored: bool = True) -> None:
        part = model.likelihood if isinstance(model, VAE) else model
        super().__init__(model, "z", *(("y",) if part.condition else ()), *(("x",) if is_scored else ()))
        self.layout = layout
        self.outputs = (
            "mean",
            *(("chance",) if layout is not None else ()),
            *(("log_px",) if is_scored else ()),
        )

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        given = self.given(tensors)
        px = self.px(given)
        score = (px.log_prob(given["x"]),) if "x" in given else ()
        if isinstance(px, OfSpectrogram):
            return px.base.mean, *score
        if self.layout is not None and isinstance(px, TableRow):
            return summaries(px, self.layout), chances(px, self.layout), *score
        return px.mean, *score

    def px(self, given: dict[str, Tensor]) -> Distribution:
        """p(x|z) of the given inputs."""
        return self.model.decode(given["z"].reshape(-1, *self.model.latent_shape), given.get("y"))


class ClassDecoder(Decoder):
    """The decoder of a `SemiSupervisedVAE`: the class and z are inputs of their own."""

    def __init__(self, model: SemiSupervisedVAE, *, is_scored: bool = True) -> None:
        Half.__init__(self, model, "z", "y", *(("x",) if is_scored else ()))
        self.layout = None
        self.outputs = ("mean", *(("log_px",) if is_scored else ()))

    def px(self, given: dict[str, Tensor]) -> Distribution:
        return self.model.decode(torch.cat([given["y"], given["z"]], -1))


class Redraw(Half):
    """The prior from the top down: z, noise, what to keep, and the class, to z with the rest drawn anew, as `Kept`."""

    outputs = ("redrawn",)

    def __init__(self, model: VAE | HierarchicalVAE | LadderVAE) -> None:
        parts = [model.prior] if isinstance(model, VAE) else list(getattr(model, "priors", [model]))
        takes_class = any(
            p.condition or (i == 0 and getattr(p, "context_shape", None)) for i, p in enumerate(parts)
        )
        super().__init__(model, "z", "eps", "keep", *(("y",) if takes_class else ()))
        zeros = torch.zeros(1, math.prod(model.latent_shape))
        draw = Kept(zeros, zeros, zeros)
        self._drawn(draw, zeros.new_zeros(1, model.condition) if takes_class else None, 1)
        self.is_possible = draw.is_possible
        """Whether every layer is a map of noise; a mixture is not."""

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        z, eps, keep, *y = tensors
        return (self._drawn(Kept(z, eps, keep), y[0] if y else None, z.shape[0]),)

    def _drawn(self, draw: Kept, y: Tensor | None, num: int) -> Tensor:
        if y is None and self.model.condition:
            y = torch.zeros(
                num, self.model.condition
            )  # a model whose prior takes no class asks for one all the same
        return cast(VAE, self.model).draw_prior(num, y, draw=draw).flatten(1)
