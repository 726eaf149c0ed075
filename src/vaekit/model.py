"""VAE: joins a posterior, a prior and a likelihood, and answers everything that one asks of such a model."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Size, Tensor
from torch.distributions import Distribution

from vaekit.component import Component
from vaekit.conditional import Likelihood, Posterior, Prior
from vaekit.distributions.shaped import center, tempered
from vaekit.errors import UserError
from vaekit.schema import Schema
from vaekit.trace import Draw, Layer, Trace, at_random

if TYPE_CHECKING:
    import numpy as np

__all__ = ["VAE", "Model"]


class Model(Component):
    """What every latent-variable model can do; a subclass says how a `Trace` and a draw come about.

    Shapes: K samples, B batch, *event the shape of one x. Inputs are tensors or numpy arrays, as `as_input` takes
    them; what comes back is in the units that the model sees, raw = x * schema.scale + schema.offset. Labels `y` are
    integers (B,) or features (B, F), and are needed only by a class-conditional model.
    """

    schema: Schema | None = None
    """What the model was trained on; set by training and loading."""
    likelihood: Likelihood
    condition: int = 0
    latent_shape: tuple[int, ...]
    """Shape of z as `encode`, `decode`, `embed` and `sample` use it."""
    is_density: bool = True

    @property
    def needs_labels(self) -> bool:
        """Whether codes and reconstructions need the class; a model whose prior alone is conditional does not."""
        return bool(self.condition)

    # What a subclass says.

    @abstractmethod
    def trace(self, x: Tensor, y: Tensor | None = None, *, num_samples: int = 1) -> Trace:
        """One pass: x (B, *event) and condition features (B, F) to a Trace with K = num_samples draws."""

    @abstractmethod
    def encode(self, x: Tensor | np.ndarray, y: Tensor | None = None) -> Distribution:
        """q(z|x), batch shape (B,), event shape `latent_shape`."""

    @abstractmethod
    def decode(self, z: Tensor | np.ndarray, y: Tensor | None = None) -> Distribution:
        """p(x|z) for z of shape (..., *latent_shape)."""

    @abstractmethod
    def draw_prior(self, num_samples: int, y: Tensor | None = None, *, temperature: float = 1.0) -> Tensor:
        """Draws of z from the prior, (num_samples, *latent_shape)."""

    @abstractmethod
    def log_prior(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(z) of z (..., B, *latent_shape), (..., B), in nats; differentiable in z."""

    # What follows.

    def forward(self, x: Tensor, y: Tensor | None = None, num_samples: int = 1) -> Trace:
        return self.trace(x, self.condition_features(y, x), num_samples=num_samples)

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def dtype(self) -> torch.dtype:
        return next(self.parameters()).dtype

    @property
    def num_parameters(self) -> int:
        """Number of trained weights."""
        return sum(p.numel() for p in self.parameters())

    def elbo(self, x: Tensor | np.ndarray, y: Tensor | None = None, *, num_samples: int = 1) -> Tensor:
        """The evidence lower bound of each example, (B,), in nats; `num_samples` draws average its noise.

        Raises:
            UserError: the model has a deterministic posterior and therefore no bound.
        """
        self.require_density("ELBO")
        trace = self(self.as_input(x), y, num_samples)
        return trace.log_px.mean(0) - trace.kl

    @torch.no_grad()
    def log_prob(
        self, x: Tensor | np.ndarray, y: Tensor | None = None, *, num_samples: int = 1000, chunk: int = 64
    ) -> Tensor:
        """log p(x) of each example by importance sampling, (B,), in nats: a lower bound, tight as K grows.

        log 1/K sum_k p(x, z_k) / q(z_k|x), z_k ~ q(z|x). Burda et al., "Importance Weighted Autoencoders", 2016.
        Memory does not grow with `num_samples`: at most `chunk` draws are held at a time.

        Raises:
            UserError: the model has a deterministic posterior and therefore no importance weights.
        """
        self.require_density("likelihood")
        if num_samples < 1:
            raise UserError(f"num_samples must be at least 1; {num_samples} came.")
        x = self.as_input(x)
        total = torch.full((len(x),), -math.inf, device=x.device, dtype=torch.float64)
        for start in range(0, num_samples, chunk):
            log_w = self(x, y, min(chunk, num_samples - start)).log_w
            total = torch.logaddexp(total, log_w.double().logsumexp(0))
        return (total - math.log(num_samples)).to(x.dtype)

    @torch.no_grad()
    def sample(
        self,
        num_samples: int = 1,
        y: Tensor | int | None = None,
        *,
        temperature: float = 1.0,
        mean: bool = True,
    ) -> Tensor:
        """New data, (num_samples, *event): z from the prior, then the mean of p(x|z), or a draw of it.

        Args:
            num_samples: how many.
            y: the class asked for, one for all or (num_samples,); classes in turn when a conditional model gets None.
            temperature: scales the prior's spread; below 1 gives more typical samples.
            mean: the mean of p(x|z); False draws from it.
        """
        if self.condition and y is None:
            y = torch.arange(num_samples, device=self.device) % self.condition
        if isinstance(y, int):
            y = torch.full((num_samples,), y, device=self.device)
        z = self.draw_prior(num_samples, y, temperature=temperature)
        px = self.decode(z, y)
        return px.mean if mean else px.sample()

    @torch.no_grad()
    def reconstruct(self, x: Tensor | np.ndarray, y: Tensor | None = None, *, sample: bool = False) -> Tensor:
        """The mean of p(x|z) at the code of x, (B, *event); the code is q's mean, or a draw of it."""
        x = self.as_input(x)
        qz = self.encode(x, y)
        return self.decode(qz.sample() if sample else center(qz), y).mean

    @torch.no_grad()
    def embed(self, x: Tensor | np.ndarray, y: Tensor | None = None, *, sample: bool = False) -> Tensor:
        """The code of x, (B, *latent_shape): the mean of q(z|x), or a draw of it."""
        qz = self.encode(self.as_input(x), y)
        return qz.sample() if sample else center(qz)

    @torch.no_grad()
    def interpolate(
        self, a: Tensor | np.ndarray, b: Tensor | np.ndarray, y: Tensor | None = None, *, num_steps: int = 10
    ) -> Tensor:
        """Decoded means on the straight line between the codes of a and b, (B, num_steps, *event)."""
        start, end = self.embed(a, y), self.embed(b, y)
        weights = torch.linspace(0, 1, num_steps, device=start.device, dtype=start.dtype)
        z = torch.stack([torch.lerp(start, end, w) for w in weights])  # (steps, B, *latent)
        return self.decode(z, y).mean.movedim(0, 1)

    def as_input(self, x: Tensor | np.ndarray) -> Tensor:
        """x as the model sees it, a float tensor on its device.

        Integers, and numpy arrays where the data was of floats, are raw values and are mapped by the schema,
        (raw - offset) / scale. Float tensors, and float images, are what the model sees already.

        Raises:
            UserError: another event shape, NaN or infinity, or values outside the schema's range.
        """
        raw, schema = torch.as_tensor(x), self.schema
        event = self.likelihood.event_shape
        if tuple(raw.shape[1:]) != event:
            raise UserError(
                f"This model takes x of shape (B, {', '.join(map(str, event))}); {tuple(raw.shape)} came."
            )
        value = raw.to(self.device, self.dtype)
        if schema is None:
            return value
        is_data = not isinstance(x, Tensor) and schema.dtype.startswith("float")
        if raw.dtype != torch.bool and (is_data or not raw.is_floating_point()):
            affine = (torch.as_tensor(v, device=self.device, dtype=self.dtype) for v in (schema.offset, schema.scale))
            offset, scale = (v.reshape(schema.shape) if v.ndim else v for v in affine)
            value = value.clone() if value is raw else value  # passes in place: they are much of an encoding's time
            if schema.offset != 0:
                value -= offset
            value /= scale
        if not torch.compiler.is_compiling():
            self._check_range(value, schema)
        return value

    def condition_features(self, y: Tensor | None, like: Tensor) -> Tensor | None:
        """Labels (B,) as one-hot features (B, F); features pass as they are; None for an unconditional model.

        Raises:
            UserError: a class-conditional model got no labels, or a label outside its classes.
        """
        if not self.condition:
            return None
        if y is None:
            raise UserError(f"This model is conditioned on {self.condition} classes; pass the labels y.")
        y = torch.as_tensor(y, device=like.device)
        if y.is_floating_point():
            return y.to(like.dtype)
        if (
            not torch.compiler.is_compiling()
            and y.numel()
            and not 0 <= int(y.min()) <= int(y.max()) < self.condition
        ):
            raise UserError(f"Labels are 0 to {self.condition - 1}; {int(y.min())} to {int(y.max())} came.")
        return F.one_hot(y.long(), self.condition).to(like.dtype)

    def _as_code(self, z: Tensor | np.ndarray) -> Tensor:
        z = torch.as_tensor(z).to(self.device, self.dtype)
        num = len(self.latent_shape)
        if tuple(z.shape[z.ndim - num :]) != self.latent_shape:
            shape = ", ".join(map(str, self.latent_shape))
            raise UserError(f"This model takes codes of shape (..., {shape}); {tuple(z.shape)} came.")
        return z

    def require_density(self, what: str) -> None:
        """Refuse, by a UserError, to give `what` where the posterior is deterministic."""
        if not self.is_density:
            raise UserError(f"An autoencoder's deterministic posterior gives no {what}; train a VAE for one.")

    @staticmethod
    def _check_range(x: Tensor, schema: Schema) -> None:
        if not x.numel() or (schema.kind == "table" and not bool(torch.isinf(x).any())):
            return  # in a table NaN is a missing cell, and columns have no range in common
        low, high = (float(bound) for bound in x.aminmax())
        if not (math.isfinite(low) and math.isfinite(high)):
            raise UserError("x holds NaN or infinite values; every value must be finite.")
        if low < schema.low - 1e-6 or high > schema.high + 1e-6:
            raise UserError(
                f"x has values in [{low:g}, {high:g}], but this model was trained on "
                f"[{schema.low:g}, {schema.high:g}]. Pass raw integers, or rescale."
            )


class VAE(Model):
    """A posterior q(z|x), a prior p(z) and a likelihood p(x|z). Kingma and Welling, 2014.

    Args:
        posterior: q(z|x), its network taking x.
        prior: p(z).
        likelihood: p(x|z), its network taking z.

    Raises:
        UserError: the three do not fit each other.

    Example:
        >>> from vaekit import VAE, MLP, Bernoulli, DiagonalGaussian, StandardNormal
        >>> vae = VAE(
        ...     posterior=DiagonalGaussian(MLP(784, 400), latent=20),
        ...     prior=StandardNormal(20),
        ...     likelihood=Bernoulli(MLP(20, 400), event_shape=784),
        ... )
        >>> vae.elbo(torch.rand(8, 784)).shape
        torch.Size([8])
    """

    def __init__(self, posterior: Posterior, prior: Prior, likelihood: Likelihood) -> None:
        super().__init__()
        check_role("posterior", posterior, Posterior)
        check_role("prior", prior, Prior)
        check_role("likelihood", likelihood, Likelihood)
        shapes = {
            "the posterior's z": posterior.event_shape,
            "the prior's z": prior.event_shape,
            "the likelihood's network": likelihood.context_shape,
        }
        if len(set(shapes.values())) > 1:
            stated = ", ".join(f"{name} {shape}" for name, shape in shapes.items())
            raise UserError(f"The latent shapes differ: {stated}. Give all three the same latent size.")
        prior.check(posterior)
        posterior.check(prior, likelihood)
        self.posterior, self.prior, self.likelihood = posterior, prior, likelihood
        self.latent_shape, self.is_density = posterior.event_shape, posterior.is_density
        self.condition = shared_condition([posterior, prior, likelihood], top=prior)

    @property
    def needs_labels(self) -> bool:
        return bool(self.posterior.condition or self.likelihood.condition)

    def trace(
        self, x: Tensor, y: Tensor | None = None, *, num_samples: int = 1, draw: Draw = at_random
    ) -> Trace:
        qz, pz = self.posterior(x, y), prior_given(self.prior, y)
        z = draw(qz, Size([num_samples]))
        return Trace(x, [Layer(z, qz, pz)], self.likelihood(z, y), y)

    def encode(self, x: Tensor | np.ndarray, y: Tensor | None = None) -> Distribution:
        """q(z|x), batch shape (B,), event shape (D,)."""
        x = self.as_input(x)
        return self.posterior(x, self.condition_features(y, x) if self.posterior.condition else None)

    def decode(self, z: Tensor | np.ndarray, y: Tensor | None = None) -> Distribution:
        """p(x|z) for z of shape (..., D)."""
        z = self._as_code(z)
        return self.likelihood(z, self.condition_features(y, z) if self.likelihood.condition else None)

    @torch.no_grad()
    def draw_prior(
        self, num_samples: int, y: Tensor | None = None, *, temperature: float = 1.0, draw: Draw | None = None
    ) -> Tensor:
        """Draws of z from the prior, (num_samples, D)."""
        like = torch.empty(0, device=self.device, dtype=self.dtype)
        pz = prior_given(self.prior, self.condition_features(y, like))
        return (draw or at_temperature(temperature))(pz, Size(() if pz.batch_shape else (num_samples,)))

    def log_prior(self, z: Tensor, y: Tensor | None = None) -> Tensor:
        """log p(z), (..., B), for z of shape (..., B, D)."""
        return prior_given(self.prior, self.condition_features(y, z)).log_prob(z)


def check_role(role: str, part: Component, contract: type[Component]) -> None:
    """Refuse a part in the wrong place: a prior passed as a posterior, for example."""
    if not isinstance(part, contract):
        raise UserError(f"The {role} must be a vaekit {contract.__name__}; a {type(part).__name__} came.")


def at_temperature(temperature: float) -> Draw:
    """A random draw with the spread scaled, without a gradient: how latents are taken from a prior."""
    return lambda pz, sample_shape: tempered(pz, temperature).sample(sample_shape)


def prior_given(prior: Prior, y: Tensor | None) -> Distribution:
    """The top prior: unconditional, or conditioned on the class alone."""
    if prior.context_shape is None:
        return prior(None, y if prior.condition else None)
    return prior(y, None)


def shared_condition(parts: Sequence[Posterior | Prior | Likelihood], *, top: Prior) -> int:
    """The one width of condition features that all conditioned parts agree on, 0 when none takes any."""
    widths = {type(part).__name__: part.condition for part in parts if part.condition}
    if top.context_shape is not None:
        widths[f"{type(top).__name__} (its context)"] = math.prod(top.context_shape)
    if len(set(widths.values())) > 1:
        stated = ", ".join(f"{name} takes {width}" for name, width in widths.items())
        raise UserError(f"The parts take conditions of different widths: {stated}. Give them all the same.")
    return next(iter(widths.values()), 0)
