"""SemiSupervisedVAE: a class beside z, known for some examples and summed over for the others."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Size, Tensor
from torch.distributions import Distribution, OneHotCategorical, OneHotCategoricalStraightThrough

import vaekit.ranks as ranks
from vaekit.conditional import Likelihood, Posterior, Prior
from vaekit.distributions.chain import Chain
from vaekit.distributions.shaped import tempered
from vaekit.errors import UserError
from vaekit.model import Model, check_role
from vaekit.nets.net import Head, Net
from vaekit.trace import Layer, Trace

if TYPE_CHECKING:
    import numpy as np

__all__ = ["SemiSupervisedVAE"]


class SemiSupervisedVAE(Model):
    """p(y) p(z) p(x|y, z) with q(y|x) q(z|x, y), y a class. Model M2 of Kingma et al., "Semi-Supervised Learning with
    Deep Generative Models", 2014.

    In training a label is an observation and -1 an unknown one, which is summed over: its bound is
    sum_y q(y|x) (log p(x, y, z) - log q(z|x, y)) + H(q(y|x)). Labelled examples also teach q(y|x), by `alpha` times
    its cross-entropy, shared out over them as in the paper. In evaluation labels are never looked at, so that every
    figure is of log p(x). `encode`, `decode`, `embed` and `sample` use the class's probabilities and z, concatenated.

    Args:
        classifier: network of q(y|x), taking x.
        posterior: q(z|x, y), its condition the class.
        prior: p(z).
        likelihood: p(x|y, z), its condition the class.
        alpha: weight of the classification, nats an example of the whole data for each nat of a labelled one.

    Raises:
        UserError: the parts do not fit each other.
    """

    labelled: Tensor
    seen: Tensor

    def __init__(
        self,
        classifier: Net,
        posterior: Posterior,
        prior: Prior,
        likelihood: Likelihood,
        *,
        alpha: float = 0.1,
    ) -> None:
        super().__init__()
        check_role("posterior", posterior, Posterior)
        check_role("prior", prior, Prior)
        check_role("likelihood", likelihood, Likelihood)
        classes = likelihood.condition
        is_free = not (prior.condition or prior.context_shape or classifier.condition)
        if classes < 2 or posterior.condition != classes or not is_free:
            raise UserError(
                "SemiSupervisedVAE conditions posterior and likelihood on the same classes, at least 2, and prior and "
                f"classifier on nothing; they take {posterior.condition}, {classes}, "
                f"{prior.context_shape or prior.condition} and {classifier.condition}."
            )
        shapes = {posterior.event_shape, prior.event_shape, likelihood.context_shape}
        if len(shapes) > 1 or len(posterior.event_shape) != 1 or not posterior.is_density:
            raise UserError(
                "SemiSupervisedVAE needs one latent vector, of the same size in posterior, prior and likelihood, and "
                f"a posterior with a density; the shapes are {sorted(shapes)}."
            )
        prior.check(posterior)
        posterior.check(prior, likelihood)
        if alpha < 0:
            raise UserError(f"alpha must be at least 0; {alpha} came.")
        self.classifier, self.posterior, self.prior, self.likelihood = (
            classifier,
            posterior,
            prior,
            likelihood,
        )
        self.head = Head(classifier.out_shape, (classes,), 1)
        self.num_classes, self.alpha = classes, alpha
        self.latent_shape = (classes + posterior.event_shape[0],)
        # How many examples training has seen, and with a label: the paper's alpha is 0.1 N a label, 0.1 N / N_l each.
        self.register_buffer("seen", torch.zeros((), dtype=torch.float64))
        self.register_buffer("labelled", torch.zeros((), dtype=torch.float64))

    # Classes.

    def log_class_probabilities(self, x: Tensor) -> Tensor:
        """log q(y|x), (B, C)."""
        return self.head(self.classifier(x))[0].log_softmax(-1)

    @torch.no_grad()
    def predict(self, x: Tensor | np.ndarray) -> Tensor:
        """The most probable class of each example, (B,)."""
        return self.log_class_probabilities(self.as_input(x)).argmax(-1)

    def one_hot(self, y: Tensor, like: Tensor) -> Tensor:
        """Labels (B,) as (B, C), a row of zeros for -1; features pass as they are."""
        y = torch.as_tensor(y, device=like.device)
        if y.is_floating_point():
            return y.to(like.dtype)
        return F.one_hot(y.long() + 1, self.num_classes + 1)[..., 1:].to(like.dtype)

    # What a model does.

    def forward(self, x: Tensor, y: Tensor | None = None, num_samples: int = 1) -> Trace:
        features = self.one_hot(y, x) if y is not None and self.training else None
        return self.trace(x, features, num_samples=num_samples)

    def trace(self, x: Tensor, y: Tensor | None = None, *, num_samples: int = 1) -> Trace:
        """One pass over every class; y (B, C) is one-hot, a row of zeros where the class is not known."""
        num, classes = len(x), self.num_classes
        log_qy = self.log_class_probabilities(x)
        given = torch.zeros_like(log_qy) if y is None else y.to(log_qy.dtype)
        every = torch.eye(classes, device=x.device, dtype=x.dtype).repeat_interleave(num, 0)  # (C * B, C)
        inner = self._pass(x.repeat(classes, *(1 for _ in x.shape[1:])), every, num_samples)
        # One more, of the likeliest class, for whoever asks for a z.
        likely = F.one_hot((log_qy + 1e9 * given).argmax(-1), classes).to(x.dtype)
        shown = self._pass(x, likely, num_samples).layers[0]
        penalty = None
        if self.training:
            known = given.sum(-1)
            if torch.is_grad_enabled():
                self.seen += ranks.number(num)
                self.labelled += ranks.add_up(known.sum())
            share = (self.labelled / self.seen.clamp(min=1)).clamp(min=1e-6).to(log_qy.dtype)
            penalty = -self.alpha / share * (given * log_qy).sum(-1)
        return EnumeratedTrace(x, inner, shown, log_qy, given, penalty)

    def encode(self, x: Tensor | np.ndarray, y: Tensor | None = None) -> Chain:
        """q(y, z|x), batch shape (B,), event shape (C + D,); the class is given where y is."""
        x = self.as_input(x)
        if y is None:
            qy = OneHotCategoricalStraightThrough(logits=self.log_class_probabilities(x), validate_args=False)
        else:
            qy = OneHotCategoricalStraightThrough(probs=self.one_hot(y, x), validate_args=False)
        links = [lambda drawn: qy, lambda drawn: self.posterior(x, drawn[0])]
        return Chain(links, [self.num_classes, *self.posterior.event_shape], Size([len(x)]))

    def decode(self, z: Tensor | np.ndarray, y: Tensor | None = None) -> Distribution:
        """p(x|y, z) for codes (..., C + D); labels y take the place of the code's own class."""
        code = self._as_code(z)
        own, code = code.split([self.num_classes, *self.posterior.event_shape], -1)
        return self.likelihood(code, own if y is None else self.one_hot(y, code).expand_as(own))

    @torch.no_grad()
    def draw_prior(self, num_samples: int, y: Tensor | None = None, *, temperature: float = 1.0) -> Tensor:
        """Draws of class and z, (num_samples, C + D); every class alike where y is None."""
        if y is None:
            y = torch.randint(self.num_classes, (num_samples,), device=self.device)
        z = tempered(self.prior(None, None), temperature).sample((num_samples,))
        return torch.cat([self.one_hot(y, z), z], -1)

    def log_prior(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(y) + log p(z) of codes (..., B, C + D), (..., B)."""
        return self.prior(None, None).log_prob(z[..., self.num_classes :]) - math.log(self.num_classes)

    def _pass(self, x: Tensor, y: Tensor, num_samples: int) -> Trace:
        """An ordinary pass with the class given."""
        qz, pz = self.posterior(x, y), self.prior(None, None)
        z = qz.rsample((num_samples,))
        return Trace(x, [Layer(z, qz, pz)], self.likelihood(z, y), y)


@dataclass
class AveragedLayer(Layer):
    """A layer whose KL is known already, (B, D)."""

    kls: Tensor

    @property
    def kl_per_dimension(self) -> Tensor:
        return self.kls


class Averaged(Distribution):
    """p(x|z) of every class, judged by the mean of its log over q(y|x).

    Args:
        px: batch shape (K, C * B).
        weights: q(y|x), (C, B).
    """

    arg_constraints = {}  # noqa: RUF012

    def __init__(self, px: Distribution, weights: Tensor) -> None:
        self.px, self.weights = px, weights
        super().__init__(Size([px.batch_shape[0], weights.shape[1]]), px.event_shape, validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        every = self.px.log_prob(value.repeat(len(self.weights), *(1 for _ in self.event_shape)))
        return (self.weights * every.unflatten(1, self.weights.shape)).sum(1)

    @property
    def mean(self) -> Tensor:
        means = self.px.mean.unflatten(1, self.weights.shape)
        weights = self.weights.reshape(*self.weights.shape, *(1 for _ in self.event_shape))
        return (weights * means).sum(1)


class EnumeratedTrace(Trace):
    """A pass in which the class is summed over, or given.

    Args:
        x: (B, *event).
        inner: a pass over all classes, C times the batch, classes outermost.
        shown: the layer z of the likeliest class.
        log_qy: log q(y|x), (B, C).
        given: the known classes, one-hot (B, C), zeros where unknown.
        penalty: of each example, (B,), or None.
    """

    def __init__(
        self, x: Tensor, inner: Trace, shown: Layer, log_qy: Tensor, given: Tensor, penalty: Tensor | None
    ) -> None:
        num, classes = log_qy.shape
        known = given.sum(-1, keepdim=True) > 0
        weights = torch.where(known, given, log_qy.exp()).T  # (C, B)
        # KL(q(y|x) || p(y)) with p(y) = 1/C; a known class costs -log p(y).
        kl_y = math.log(classes) + torch.where(known.squeeze(-1), 0.0, (log_qy.exp() * log_qy).sum(-1))
        kl_z = inner.layers[0].kl_per_dimension.unflatten(0, (classes, num))
        kl_z = (weights.unsqueeze(-1) * kl_z).sum(0)
        qy = OneHotCategorical(probs=weights.T, validate_args=False)
        py = OneHotCategorical(logits=torch.zeros_like(log_qy[0]), validate_args=False)
        y = qy.sample((len(shown.z),))
        layers: list[Layer] = [
            AveragedLayer(y, qy, py, kl_y.unsqueeze(-1)),
            AveragedLayer(shown.z, shown.qz, shown.pz, kl_z),
        ]
        super().__init__(x, layers, Averaged(inner.px, weights), given)
        self.inner, self.given, self._penalty = inner, given, penalty

    @property
    def log_w(self) -> Tensor:
        """log sum_y p(x, y, z_y) / q(z_y|x, y) over the classes that are possible, (K, B)."""
        num, classes = self.given.shape
        every = self.inner.log_w.unflatten(1, (classes, num)) - math.log(classes)
        impossible = (self.given.sum(-1, keepdim=True) > 0) & (self.given == 0)
        return every.masked_fill(impossible.T, -math.inf).logsumexp(1)

    @property
    def penalty(self) -> Tensor | None:
        return self._penalty
