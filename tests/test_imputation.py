"""impute, against conditional distributions that are known."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

import vaekit as vk
from vaekit.schema import Column

SCHEMA = vk.Schema(
    "table", (2,), columns=(Column("a", "binary", categories=("0", "1")), Column("b", "binary", categories=("0", "1"))),
    dtype="float64",
)  # fmt: skip
P_A, P_B = 0.3, (0.2, 0.9)  # p(a = 1), p(b = 1 | a)


class Known(vk.Net):
    """z below 0 is a = 0, above it a = 1; b follows a. The decoder of a model whose conditionals are known."""

    def __init__(self) -> None:
        super().__init__()
        self.in_shape, self.out_shape = (1,), (4,)

    def transform(self, x: Tensor, condition: Tensor | None) -> Tensor:
        is_one = (x > 0).to(x.dtype)
        b = torch.tensor(P_B, dtype=x.dtype)[is_one.long().squeeze(-1)]
        return torch.cat([40 * (1 - is_one), 40 * is_one, (1 - b).log()[:, None], b.log()[:, None]], -1)


@pytest.fixture
def model() -> vk.VAE:
    """p(z) is two narrow bumps at -2 and 2 with weights 0.7 and 0.3; q(z|x) is broad: the ratio makes it right."""
    likelihood = vk.Columns(Known(), SCHEMA.cells())
    with torch.no_grad():
        likelihood.head.layer.weight.copy_(torch.eye(4))
        likelihood.head.layer.bias.zero_()
    prior = vk.MixturePrior(1, 2, covariance="diagonal")
    prior.set_components(
        torch.tensor([1 - P_A, P_A]), torch.tensor([[-2.0], [2.0]]), torch.full((2, 1), 0.25)
    )
    encoder = vk.TableEncoder(SCHEMA.cells(), 4)
    posterior = vk.DiagonalGaussian(encoder, 1)
    with torch.no_grad():
        posterior.head.layer.weight.zero_()
        posterior.head.layer.bias.copy_(torch.tensor([0.0, 1.6]))
    made = vk.VAE(posterior, prior, likelihood)
    made.schema = SCHEMA
    return made.eval()


def test_chains_draw_from_the_exact_conditional(model: vk.VAE) -> None:
    raw = np.array([[np.nan, 1.0], [np.nan, 0.0], [1.0, np.nan], [np.nan, np.nan]]).repeat(300, 0)
    found = vk.impute(model, raw, method="chain", num_draws=40)
    share = found.draws.mean(0).reshape(4, 300, 2).mean(1)
    given_1 = P_A * P_B[1] / (P_A * P_B[1] + (1 - P_A) * P_B[0])
    given_0 = P_A * (1 - P_B[1]) / (P_A * (1 - P_B[1]) + (1 - P_A) * (1 - P_B[0]))
    assert share[0, 0] == pytest.approx(given_1, abs=0.04)
    assert share[1, 0] == pytest.approx(given_0, abs=0.04)
    assert share[2, 1] == pytest.approx(P_B[1], abs=0.04)
    assert share[3, 0] == pytest.approx(P_A, abs=0.04)


class Same(vk.Net):
    """Features that are the code."""

    def __init__(self) -> None:
        super().__init__()
        self.in_shape, self.out_shape = (1,), (1,)

    def transform(self, x: Tensor, condition: Tensor | None) -> Tensor:
        return x


def test_chains_know_what_the_decoder_knows_though_the_encoder_knows_nothing() -> None:
    """Two columns that are the code and little else; given one, the other is known within the noise."""
    knots, scale = (-3.0, -1.0, 1.0, 3.0), 0.05
    columns = tuple(Column(n, "continuous", low=-9, high=9, knots=knots, scores=knots) for n in ("a", "b"))
    schema = vk.Schema("table", (2,), columns=columns, dtype="float64")
    likelihood = vk.Columns(Same(), schema.cells(), num_components=1)
    posterior = vk.DiagonalGaussian(vk.TableEncoder(schema.cells(), 4), 1)
    with torch.no_grad():
        for parameter in (*likelihood.head.parameters(), *posterior.head.parameters()):
            parameter.zero_()
        likelihood.head.layer.bias[-4:-2] = float(np.log(scale))
        likelihood.head.layer.weight[-2:] = 1.0
    model = vk.VAE(posterior, vk.StandardNormal(1), likelihood)
    model.schema = schema
    known = np.linspace(-2, 2, 200)
    raw = np.stack([known, np.full(200, np.nan)], 1)
    found = vk.impute(model, raw, num_draws=50)
    shrunk = known / (1 + (scale * np.pi) ** 2 / 3)  # the regression, a logistic's variance beside the code's
    assert np.abs(found.filled[:, 1] - shrunk).mean() < 0.03
    assert found.draws[:, :, 1].std(0).mean() == pytest.approx(scale * np.pi * (2 / 3) ** 0.5, rel=0.1)


@pytest.mark.parametrize("kind", ["deterministic", "estimated prior"])
def test_codes_that_cannot_move_are_drawn_in_sequence(kind: str) -> None:
    knots = (-1.0, 1.0)
    schema = vk.Schema("table", (1,), columns=(Column("a", "continuous", low=-9, high=9, knots=knots, scores=knots),))
    encoder, likelihood = vk.TableEncoder(schema.cells(), 4), vk.Columns(vk.MLP(1, 2), schema.cells())
    second = vk.DiagonalGaussian(vk.MLP(1, 2), 1), vk.StandardNormal(1), vk.Gaussian(vk.MLP(1, 2), 1)
    stiff = (
        vk.VAE(vk.Deterministic(encoder, 1), vk.StandardNormal(1), likelihood)
        if kind == "deterministic"
        else vk.VAE(vk.DiagonalGaussian(encoder, 1), vk.VAEPrior(*second), likelihood)
    )
    stiff.schema = schema
    raw = np.array([[0.5], [np.nan]])
    with pytest.raises(vk.UserError, match="sequential"):
        vk.impute(stiff, raw, method="chain")
    assert not np.isnan(vk.impute(stiff, raw, num_draws=3).filled).any()


@pytest.mark.parametrize("method", ["sequential", "chain"])
def test_observed_cells_stay_and_the_seed_repeats(model: vk.VAE, method: str) -> None:
    raw = np.array([[0.0, np.nan], [1.0, 0.0], [np.nan, 1.0]])
    found = vk.impute(model, raw, method=method, num_draws=10, seed=3)
    assert np.array_equal(found.missing, np.isnan(raw))
    assert bool((found.draws[:, ~found.missing] == raw[~found.missing]).all())
    assert not np.isnan(found.filled).any()
    assert np.array_equal(found.draws, vk.impute(model, raw, method=method, num_draws=10, seed=3).draws)
    assert found.agreement()[found.missing].max() <= 1


def test_a_mean_and_an_interval_come_from_the_draws() -> None:
    draws = np.arange(101.0)[:, None, None]
    found = vk.Imputation(np.full((1, 1), 50.0), draws, np.ones((1, 1), bool))
    low, high = found.interval(0.9)
    assert (low[0, 0], high[0, 0]) == pytest.approx((5.0, 95.0))


def test_calibrated_intervals_cover_though_the_model_is_too_sure() -> None:
    """Two copies of one normal score; the model knows the column and nothing of how the two go together, and believes
    in a tenth of the spread."""
    random = np.random.default_rng(0)
    knots = (-3.0, -1.0, 1.0, 3.0)
    columns = tuple(Column(n, "continuous", low=-9, high=9, knots=knots, scores=knots) for n in ("a", "b"))
    schema = vk.Schema("table", (2,), columns=columns, dtype="float64")
    likelihood = vk.Columns(vk.MLP(1, 2), schema.cells(), num_components=1)
    with torch.no_grad():
        likelihood.head.layer.weight.zero_()
        likelihood.head.layer.bias.zero_()
        likelihood.head.layer.bias[-4:-2] = float(np.log(0.1 * 3**0.5 / np.pi))
    model = vk.VAE(
        vk.DiagonalGaussian(vk.TableEncoder(schema.cells(), 4), 1), vk.StandardNormal(1), likelihood
    )
    model.schema = schema
    rows = random.normal(size=(600, 2))
    holed = np.where(random.random(rows.shape) < 0.4, np.nan, rows)
    at = np.isnan(holed)
    shares = []
    for calibration in (None, random.normal(size=(100, 2))):
        found = vk.impute(model, holed, num_draws=100, calibration=calibration)
        low, high = found.interval(0.9)
        shares.append(((low <= rows) & (rows <= high))[at].mean())
    assert shares[0] < 0.25
    assert shares[1] == pytest.approx(0.9, abs=0.05)


def test_what_cannot_be_imputed_is_refused(model: vk.VAE) -> None:
    with pytest.raises(vk.UserError, match="2 columns"):
        vk.impute(model, np.zeros((3, 4)))
    with pytest.raises(vk.UserError, match="sequential"):
        vk.impute(model, np.zeros((3, 2)), method="magic")  # type: ignore[arg-type]
    model.schema = vk.Schema("array", (2,))
    with pytest.raises(vk.UserError, match="not trained on one"):
        vk.impute(model, np.zeros((3, 2)))
