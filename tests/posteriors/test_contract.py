"""The contract of every posterior: a density that integrates to 1, draws that follow it and carry gradients."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable

import pytest
import torch

import vaekit.posteriors
from vaekit import MLP, Gaussian, StandardNormal
from vaekit.conditional import Posterior
from vaekit.nets import Codebook

PUBLIC = {
    name: value
    for name, value in vars(vaekit.posteriors).items()
    if inspect.isclass(value) and issubclass(value, Posterior)
}
# Posteriors over vectors that (net, latent) does not build; those over codes have masses, tested in files of their own.
EXAMPLES: dict[str, Callable[[int], Posterior]] = {
    "HamiltonianPosterior": lambda latent: PUBLIC["HamiltonianPosterior"](
        PUBLIC["DiagonalGaussian"](MLP(4, 6), latent), StandardNormal(latent), Gaussian(MLP(latent, 6), 4)
    ),
    "Corrupted": lambda latent: PUBLIC["Corrupted"](PUBLIC["DiagonalGaussian"](MLP(4, 6), latent)),
}
OVER_CODES: dict[str, Callable[[], Posterior]] = {
    "GumbelSoftmax": lambda: PUBLIC["GumbelSoftmax"](MLP(4, 6), 2, 3),
    "RelaxedBernoulli": lambda: PUBLIC["RelaxedBernoulli"](MLP(4, 6), 3),
    "VectorQuantized": lambda: PUBLIC["VectorQuantized"](MLP(4, 6), Codebook(5, 3), (2, 2)),
}
ON_SPHERE = {"VonMisesFisher"}  # densities on the sphere, tested in test_von_mises_fisher.py
ON_BALL = {"WrappedNormal"}  # and on the Poincaré ball, in test_wrapped_normal.py
ESTIMATED = {"HamiltonianPosterior"}  # no density at any other point than the draw, tested in a file of its own
over_vectors = pytest.mark.parametrize(
    "name", [name for name in PUBLIC if name not in {*OVER_CODES, *ON_SPHERE, *ON_BALL, *ESTIMATED}]
)


def build(name: str, latent: int) -> Posterior:
    try:
        posterior = EXAMPLES[name](latent) if name in EXAMPLES else PUBLIC[name](MLP(4, 6), latent)
    except ValueError as error:
        raise AssertionError(
            f"Add {name} to EXAMPLES in {__file__}: (net, latent) does not build it."
        ) from error
    return posterior.double().eval()


@over_vectors
def test_the_density_integrates_to_1_and_draws_follow_it(name: str) -> None:
    posterior = build(name, 1)
    if not posterior.is_density:
        pytest.skip("has no density")
    qz = posterior(torch.randn(3, 4, dtype=torch.float64))
    z = torch.linspace(-40, 40, 40_001, dtype=torch.float64)[:, None, None].expand(-1, 3, 1)
    density = qz.log_prob(z).exp()
    torch.testing.assert_close(
        density.sum(0) * 80 / 40_000, torch.ones(3, dtype=torch.float64), rtol=0, atol=1e-6
    )
    mean = (density[..., None] * z).sum(0) * 80 / 40_000
    variance = (density[..., None] * (z - mean) ** 2).sum(0) * 80 / 40_000
    draws = qz.rsample((20_000,))
    assert bool(((draws.mean(0) - mean).abs() <= 5 * (variance / 20_000).sqrt()).all())
    torch.testing.assert_close(draws.var(0), variance, rtol=0.1, atol=0)
    if name == "FlowPosterior":
        return  # its mean has no closed form
    torch.testing.assert_close(
        qz.mean, mean, rtol=0, atol=5 * math.sqrt(float(variance.detach().max()) / 20_000)
    )


@pytest.mark.parametrize("name", list(PUBLIC))
def test_a_draw_carries_gradients_to_every_weight(name: str) -> None:
    posterior = OVER_CODES[name]() if name in OVER_CODES else build(name, 3).float()
    x = torch.randn(16, 4)
    qz = posterior(x)
    assert tuple(qz.event_shape) == posterior.event_shape
    assert qz.batch_shape == (16,)
    z = qz.rsample((2,))
    assert z.shape == (2, 16, *posterior.event_shape)
    z.square().sum().backward()
    without = [n for n, w in posterior.named_parameters() if w.grad is None or not w.grad.any()]
    assert without == []
