"""The contract of every prior: a density that integrates to 1 and draws that follow it."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest
import torch

import vaekit.posteriors as PUBLIC_POSTERIORS
import vaekit.priors
from vaekit import MLP
from vaekit.conditional import Prior

PUBLIC = {
    name: value
    for name, value in vars(vaekit.priors).items()
    if inspect.isclass(value) and issubclass(value, Prior)
}
# Priors over vectors that neither (latent) nor (net, latent) builds.
EXAMPLES: dict[str, Callable[[int], Prior]] = {
    "FlowPrior": lambda latent: PUBLIC["FlowPrior"](latent, "maf", hidden=8),
    "VampPrior": lambda latent: PUBLIC["VampPrior"](
        PUBLIC_POSTERIORS.DiagonalGaussian(MLP(4, 6), latent), 5, in_shape=4
    ),
}
OVER_CODES = {
    "SphereUniform",
    "UniformBinary",
    "UniformCategorical",
    "UniformCodesPrior",
    "AutoregressiveCodes",
}  # masses, tested in test_quantized.py, test_codes.py
ELSEWHERE = {"VAEPrior", "WrappedNormalPrior"}  # an estimate, and a density on a ball, in files of their own


def build(name: str, latent: int) -> Prior:
    arguments = [(latent,), (MLP(4, 6), latent)]
    if name in EXAMPLES:
        return EXAMPLES[name](latent).double()
    for each in arguments:
        try:
            return PUBLIC[name](*each).double().eval()
        except ValueError:
            continue
    raise AssertionError(
        f"Add {name} to EXAMPLES in {__file__}: neither (latent) nor (net, latent) builds it."
    )


@pytest.mark.parametrize("name", [name for name in PUBLIC if name not in OVER_CODES | ELSEWHERE])
def test_the_density_integrates_to_1_and_draws_follow_it(name: str) -> None:
    prior = build(name, 1)
    context = (
        None if prior.context_shape is None else torch.randn(1, *prior.context_shape, dtype=torch.float64)
    )
    pz = prior(context)
    assert tuple(pz.event_shape) == prior.event_shape == (1,)
    z = torch.linspace(-40, 40, 40_001, dtype=torch.float64)[:, None, None]
    mass = pz.log_prob(z).exp().reshape(-1) * 80 / 40_000
    assert float(mass.detach().sum()) == pytest.approx(1, abs=1e-6)
    mean = (mass * z.flatten()).sum()
    variance = (mass * (z.flatten() - mean) ** 2).sum()
    draws = pz.sample((20_000,)).flatten()
    assert bool((draws.mean() - mean).abs() <= 5 * (variance / 20_000).sqrt())
    torch.testing.assert_close(draws.var(), variance, rtol=0.1, atol=0)
