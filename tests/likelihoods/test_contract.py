"""The contract of every likelihood: a mass sums to 1, a density integrates to 1, draws follow it, float32 holds."""

from __future__ import annotations

import inspect
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.distributions import Distribution

import vaekit.likelihoods
from vaekit import MLP, Schema, UserError
from vaekit.component import from_config, to_config
from vaekit.conditional import Likelihood


@dataclass(frozen=True)
class Case:
    """One likelihood in one setting.

    `support` is "levels" (masses of k / (levels - 1)), "counts" (the same, k without an end), "unit" (a density on
    [0, 1]) or "real" (a density on the line).
    """

    name: str
    arguments: dict
    support: str
    levels: int = 0

    def build(self, event_shape: int | tuple[int, ...], dtype: torch.dtype = torch.float64) -> Likelihood:
        torch.manual_seed(0)
        return PUBLIC[self.name](MLP(2, 3), event_shape, **self.arguments).to(dtype).eval()

    def schema(self) -> Schema:
        """Data that it is a likelihood of."""
        bounds = {} if self.support == "real" else {"low": 0.0, "high": 1.0}
        return Schema("array", (3,), levels=self.levels or None, **bounds)

    @property
    def mean_error(self) -> float:
        """How far `.mean` may be from the distribution's mean, in units of x."""
        return 0.5 / (self.levels - 1) if self.name in MEAN_BEFORE_ROUNDING else 1e-6

    def __str__(self) -> str:
        return f"{self.name}({', '.join(f'{k}={v}' for k, v in self.arguments.items())})"


OF_TABLES = ("Columns",)  # its event is a row of columns of many kinds: test_columns.py
OF_SOUND = ("LogSpectral",)  # a density of the spectrogram: test_log_spectral.py
PUBLIC: dict[str, type[Likelihood]] = {
    name: value
    for name, value in vars(vaekit.likelihoods).items()
    if inspect.isclass(value) and issubclass(value, Likelihood) and name not in (*OF_TABLES, *OF_SOUND)
}
COUNTS = ("Poisson", "NegativeBinomial")
MEAN_BEFORE_ROUNDING = ("DiscretizedLogistic", "DiscretizedLogisticMixture")
SCALES = (0.3, "per_dimension", "network", "optimal")
# Every likelihood is tested with its defaults, as `found` finds it; these are further settings.
FURTHER = [
    *(Case("Categorical", {"levels": n}, "levels", n) for n in (2, 7)),
    *(Case("DiscretizedLogistic", {"levels": n}, "levels", n) for n in (2, 17, 65536)),
    *(
        Case("DiscretizedLogistic", {"levels": 9, "scale": s}, "levels", 9)
        for s in ("learned", "per_dimension")
    ),
    Case("DiscretizedLogisticMixture", {"num_components": 1, "levels": 2}, "levels", 2),
    Case("DiscretizedLogisticMixture", {"num_components": 4, "levels": 17}, "levels", 17),
    *(Case("Gaussian", {"scale": s}, "real") for s in SCALES),
    Case("NegativeBinomial", {"levels": 20, "shape": "network"}, "counts", 20),
    Case("Poisson", {"levels": 20}, "counts", 20),
    *(Case("StudentT", {"scale": s}, "real") for s in SCALES[:-1]),
    Case("StudentT", {"df": "learned", "scale": 0.5}, "real"),
    *(Case("Laplace", {"scale": s}, "real") for s in SCALES),
]


def found(name: str) -> Case | None:
    """A likelihood with its defaults, on the widest data that it says it is a likelihood of."""
    for case in (
        *([Case(name, {}, "counts", 256)] if name in COUNTS else []),
        Case(name, {}, "real"),
        Case(name, {}, "unit"),
        *(Case(name, {}, "levels", n) for n in (2, 256)),
    ):
        try:
            likelihood = case.build(3)
            likelihood.check(case.schema())
        except UserError:
            continue
        if likelihood.is_likelihood_of(case.schema()):
            return case
    return None


CASES = [case for name in PUBLIC if (case := found(name))] + FURTHER
all_cases = pytest.mark.parametrize("case", CASES, ids=str)
all_gains = pytest.mark.parametrize("gain", [0.5, 5.0, 100.0])


def test_every_likelihood_is_here() -> None:
    missing = sorted(set(PUBLIC) - {case.name for case in CASES})
    assert not missing, (
        f"{missing} cannot be built from (net, event_shape), or is a likelihood of neither continuous nor 256-level "
        f"data: add a Case with its arguments and support to FURTHER in {__file__}."
    )
    assert {str(case) for case in CASES} >= {f"{name}()" for name in ("Bernoulli", "Categorical", "Gaussian")}


def with_outputs(likelihood: Likelihood, gain: float, dtype: torch.dtype) -> Callable[[Tensor], Distribution]:
    """The likelihood with its network's outputs, and its own weights, drawn from N(0, gain^2) in float32."""
    generator = torch.Generator().manual_seed(1)

    def replaced(module: torch.nn.Module, inputs: tuple, output: Tensor) -> Tensor:
        return (gain * torch.randn(output.shape, generator=generator.manual_seed(1))).to(dtype)

    likelihood.head.register_forward_hook(replaced)
    with torch.no_grad():
        for weight in likelihood.scale.parameters() if hasattr(likelihood, "scale") else ():
            weight.copy_(gain * torch.randn(weight.shape, generator=generator))
    return likelihood


def nodes(p: Distribution, case: Case) -> tuple[Tensor, Tensor]:
    """Points x and weights w, (N, B, 1), with which sum w p(x) is the integral, or the sum over levels."""
    batch = p.batch_shape[0]
    if case.support == "levels":
        x = torch.arange(case.levels, dtype=torch.float64) / (case.levels - 1)
        return x[:, None, None].expand(-1, batch, 1), torch.ones(case.levels, batch, 1, dtype=torch.float64)
    if case.support == "counts":  # the tail falls by a factor e each time variance / mean more are counted
        unit = case.levels - 1
        last = int((p.mean * unit + 30 * (1 + p.variance / p.mean * unit)).max())
        x = torch.arange(last, dtype=torch.float64) / unit
        return x[:, None, None].expand(-1, batch, 1), torch.ones(last, batch, 1, dtype=torch.float64)
    # Gauss-Legendre on pieces that grow from where the density is sharp: the ends of [0, 1], the mean on the line.
    if case.support == "unit":
        steps = [0.0, *(2.0**-i for i in range(20, 0, -1))]
        edges = torch.tensor([*steps, *(1 - s for s in reversed(steps[:-1]))], dtype=torch.float64)[:, None]
        edges = edges.expand(-1, batch)
    else:
        steps = torch.tensor([0.0, *(2.0**i for i in range(-3, 14))], dtype=torch.float64)[:, None]
        spread = p.variance.flatten() ** 0.5
        edges = p.mean.flatten() + spread * torch.cat([-steps.flip(0), steps[1:]])
    knots, weights = (torch.from_numpy(v)[:, None, None] for v in np.polynomial.legendre.leggauss(40))
    low, width = edges[:-1], edges[1:] - edges[:-1]
    x = low + width * (knots + 1) / 2
    w = (width * weights / 2).expand_as(x)
    return x.reshape(-1, batch, 1), w.reshape(-1, batch, 1)


@all_gains
@all_cases
def test_probabilities_add_up_to_1(case: Case, gain: float) -> None:
    p = with_outputs(case.build(1), gain, torch.float64)(torch.zeros(6, 2, dtype=torch.float64))
    x, w = nodes(p, case)
    total = (p.log_prob(x).exp() * w.squeeze(-1)).sum(0)
    torch.testing.assert_close(total, torch.ones_like(total), rtol=0, atol=1e-9)


@all_gains
@all_cases
def test_draws_and_mean_agree_with_the_probabilities(case: Case, gain: float) -> None:
    p = with_outputs(case.build(1), gain, torch.float64)(torch.zeros(4, 2, dtype=torch.float64))
    x, w = nodes(p, case)
    mass = p.log_prob(x).exp().unsqueeze(-1) * w
    mean = (mass * x).sum(0)
    moments = [(mass * (x - mean) ** i).sum(0) for i in range(5)]
    torch.manual_seed(0)
    num_draws = 40_000
    draws = p.sample((num_draws,)).double()
    if case.support in ("levels", "counts"):
        on_grid = draws * (case.levels - 1)
        torch.testing.assert_close(on_grid, on_grid.round(), rtol=0, atol=1e-6)
    # Five standard errors, of the mean and of the variance; the last term allows for rounding.
    error = 5 * (moments[2] / num_draws).sqrt() + 1e-6 * (1 + mean.abs())
    assert bool(((draws.mean(0) - mean).abs() <= error).all())
    error = 5 * ((moments[4] - moments[2] ** 2).clamp(min=0) / num_draws).sqrt() + 1e-6 + 1e-3 * moments[2]
    assert bool((((draws - mean) ** 2).mean(0) - moments[2]).abs().le(error).all())
    torch.testing.assert_close(p.mean, mean, rtol=1e-6, atol=case.mean_error)


@all_gains
@all_cases
def test_no_value_is_likelier_than_the_mode(case: Case, gain: float) -> None:
    p = with_outputs(case.build(1), gain, torch.float64)(torch.zeros(6, 2, dtype=torch.float64))
    try:
        mode = p.mode
    except NotImplementedError:
        pytest.skip("states no mode")
    x, _ = nodes(p, case)
    assert bool((p.log_prob(mode) >= p.log_prob(x) - 1e-9).all())
    if case.support in ("levels", "counts"):
        torch.testing.assert_close(
            mode * (case.levels - 1), (mode * (case.levels - 1)).round(), rtol=0, atol=1e-6
        )


@all_gains
@all_cases
def test_float32_agrees_with_float64(case: Case, gain: float) -> None:
    generator = torch.Generator().manual_seed(2)
    x = torch.rand(64, 1, 1, generator=generator)
    if case.support in ("levels", "counts"):
        x = (x * (case.levels - 1)).round() / (case.levels - 1)
    x = torch.cat([torch.zeros(1, 1, 1), torch.ones(1, 1, 1), x])
    log_probs = []
    for dtype in (torch.float32, torch.float64):
        p = with_outputs(case.build(1, dtype), gain, dtype)(torch.zeros(16, 2, dtype=dtype))
        log_probs.append(p.log_prob(x.to(dtype)))
    assert log_probs[0].dtype == torch.float32
    # A float32 centre is known to 3e-8, which is 6e-4 of the least spread on 256 levels; the fineness of 65536 levels
    # is beyond float32.
    atol = 1e-3 if case.levels <= 256 else 2.0
    torch.testing.assert_close(log_probs[0].double(), log_probs[1], rtol=1e-4, atol=atol)


@pytest.mark.parametrize("gain", [1.0, 100.0, 1e4])
@all_cases
def test_gradients_are_finite(case: Case, gain: float) -> None:
    likelihood = case.build((3, 4, 4), torch.float32).train()
    with torch.no_grad():
        for weight in likelihood.parameters():
            weight.mul_(gain)
    z = torch.randn(5, 2, requires_grad=True)
    for value in (0.0, 1.0):
        log_px = likelihood(z).log_prob(torch.full((5, 3, 4, 4), value))
        assert bool(torch.isfinite(log_px).all())
        gradients = torch.autograd.grad(log_px.sum(), [z, *likelihood.parameters()])
        assert all(bool(torch.isfinite(g).all()) for g in gradients)


@pytest.mark.parametrize("event", [(3, 4, 5), (1, 4, 5), (7,), (2, 6)], ids=str)
@all_cases
def test_event_sums_and_leading_dimensions(case: Case, event: tuple[int, ...]) -> None:
    """(K, B) codes against (B, *event) data equals one code at a time; draws come in the event's shape."""
    likelihood = case.build(event)
    K, B = 3, 2
    z = torch.randn(K, B, 2, dtype=torch.float64)
    x = (torch.rand(B, *event, dtype=torch.float64) * 16).round() / 16
    px = likelihood(z)
    assert (px.batch_shape, px.event_shape) == ((K, B), event)
    log_px = px.log_prob(x)
    for k, b in itertools.product(range(K), range(B)):
        torch.testing.assert_close(log_px[k, b], likelihood(z[k, b]).log_prob(x[b]))
    assert px.mean.shape == (K, B, *event)
    assert px.log_prob(px.sample((4,))).shape == (4, K, B)


@all_cases
def test_autocast_computes_densities_in_float32(case: Case) -> None:
    likelihood = case.build((3, 4, 4), torch.float32)
    z, x = torch.randn(5, 2), torch.ones(5, 3, 4, 4)
    with torch.autocast("cpu", torch.bfloat16):
        log_px = likelihood(z).log_prob(x)
    assert log_px.dtype == torch.float32
    exact = likelihood(z).log_prob(x)
    torch.testing.assert_close(log_px, exact, rtol=0.05, atol=0.5)


@all_cases
def test_config_repeats_it(case: Case) -> None:
    likelihood = case.build((3, 4, 4))
    again = from_config(to_config(likelihood)).double().eval()
    again.load_state_dict(likelihood.state_dict())
    z, x = torch.randn(2, 2, dtype=torch.float64), torch.ones(2, 3, 4, 4, dtype=torch.float64)
    assert torch.equal(again(z).log_prob(x), likelihood(z).log_prob(x))


@all_cases
def test_condition_reaches_the_network(case: Case) -> None:
    likelihood = PUBLIC[case.name](MLP(2, 8, condition=3), 4, **case.arguments)
    assert (likelihood.condition, likelihood.context_shape) == (3, (2,))
    z, classes = torch.zeros(3, 2), torch.eye(3)
    log_px = likelihood(z, classes).log_prob(torch.zeros(4))
    assert len(set(log_px.tolist())) == 3


@all_cases
def test_it_accepts_its_own_data(case: Case) -> None:
    likelihood = case.build(3)
    likelihood.check(case.schema())
    assert likelihood.is_likelihood_of(case.schema())


@all_cases
def test_a_density_is_no_likelihood_of_integers_and_a_mass_refuses_the_continuous(case: Case) -> None:
    likelihood = case.build(3)
    integers = Schema("array", (3,), low=0.0, high=1.0, levels=300)
    continuous = Schema("array", (3,), low=-3.0, high=5.0)
    assert not likelihood.is_likelihood_of(integers)
    if case.support != "real":
        with pytest.raises(UserError, match=r"values|continuous"):
            likelihood.check(continuous)
    if case.support == "levels" and case.name != "Bernoulli":  # Bernoulli takes grey values as probabilities
        with pytest.raises(
            UserError, match=f"{case.name} was built for {case.levels} levels; .* pass levels=300"
        ):
            likelihood.check(integers)


def test_uniform_pixels_cost_8_bits() -> None:
    likelihood = vaekit.likelihoods.Categorical(MLP(2, ()), (3, 4, 4), levels=256).double()
    torch.nn.init.zeros_(likelihood.head.layer.weight)
    torch.nn.init.zeros_(likelihood.head.layer.bias)
    x = torch.randint(256, (5, 3, 4, 4)).double() / 255
    bpd = -likelihood(torch.randn(5, 2, dtype=torch.float64)).log_prob(x) / (48 * math.log(2))
    torch.testing.assert_close(bpd, torch.full_like(bpd, 8.0), rtol=0, atol=1e-12)
