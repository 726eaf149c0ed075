"""Columns: each column's masses sum to 1, draws follow them, missing cells have no say."""

from __future__ import annotations

import itertools
import json
import math

import pytest
import torch

from vaekit import MLP, Columns, Schema, UserError
from vaekit.component import from_config, to_config
from vaekit.schema import Column

SCHEMA = Schema(
    "table",
    (4,),
    offset=(0.0, 10.0, 5.0, 0.0),
    scale=(1.0, 4.0, 2.0, 1.0),
    columns=(
        Column("colour", "categorical", categories=("a", "b", "c"), missing=0.2),
        Column("age", "integer", low=0, high=30, step=1.0, specials=(0.0, 10.0), knots=(1, 8, 12, 30),
               scores=(-2, -1, 0.5, 2)),
        Column("price", "continuous", low=0, high=20, specials=(0.0,), knots=(0.5, 3, 9, 20), scores=(-2, -0.5, 1, 2)),
        Column("paid", "binary", categories=("no", "yes")),
    ),
)  # fmt: skip


def likelihood(**arguments: object) -> Columns:
    """With random weights large enough that no two choices are alike."""
    torch.manual_seed(0)
    made = Columns(MLP(2, 8), SCHEMA.cells(), **arguments).double()  # type: ignore[arg-type]
    with torch.no_grad():
        for weight in made.parameters():
            weight.add_(0.7 * torch.randn_like(weight))
    return made


def row(*cells: float) -> torch.Tensor:
    """A row in its own units as x."""
    offset, scale = (torch.tensor(v, dtype=torch.float64) for v in (SCHEMA.offset, SCHEMA.scale))
    return (torch.tensor(cells, dtype=torch.float64) - offset) / scale


Z = torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(("column", "values"), [(0, range(3)), (3, range(2)), (1, range(-4000, 4000))])
def test_masses_of_a_column_sum_to_1(column: int, values: range) -> None:
    px = likelihood()(Z)
    rows = []
    for value in values:
        cells = [0.0, 3.0, 1.0, 0.0]
        cells[column] = float(value)
        rows.append(row(*cells))
    total = px.log_prob_columns(torch.stack(rows)[:, None])[..., column].exp().sum(0)
    torch.testing.assert_close(total, torch.ones(3, dtype=torch.float64), rtol=0, atol=2e-6)


def test_the_density_and_the_point_mass_of_a_continuous_column_integrate_to_1() -> None:
    px = likelihood()(Z)
    # Trapezoids between the knots and far beyond, where the density is smooth.
    edges = [-400.0, -40, -4, 0.5, 3, 9, 20, 60, 800]
    total = torch.zeros(3, dtype=torch.float64)
    for low, high in itertools.pairwise(edges):
        grid = torch.linspace(low + 1e-9, high - 1e-9, 20_001, dtype=torch.float64)
        rows = row(0, 3, 1, 0).repeat(len(grid), 1)
        rows[:, 2] = (grid - 5.0) / 2.0
        density = px.log_prob_columns(rows[:, None])[..., 2].exp()
        total += torch.trapezoid(density, rows[:, 2], dim=0)
    total += px.log_prob_columns(row(0, 3, 0, 0))[:, 2].exp()
    torch.testing.assert_close(total, torch.ones(3, dtype=torch.float64), rtol=0, atol=1e-3)


def test_draws_follow_the_masses() -> None:
    px = likelihood()(Z)
    torch.manual_seed(0)
    drawn = px.complete((20_000,))
    for column, cells in (
        (0, [1, 3, 1, 0]),
        (1, [0, 10, 1, 0]),
        (1, [0, 12, 1, 0]),
        (2, [0, 3, 0, 0]),
        (3, [0, 3, 1, 1]),
    ):
        value = row(*cells)
        share = ((drawn[..., column] - value[column]).abs() < 1e-5).double().mean(0)
        mass = px.log_prob_columns(value)[:, column].exp()
        assert bool(((share - mass).abs() < 5 * (mass * (1 - mass) / 20_000).sqrt() + 1e-4).all())


def test_draws_of_a_continuous_column_follow_its_density() -> None:
    px = likelihood()(Z[:1])
    torch.manual_seed(0)
    x = px.complete((40_000,))[:, 0, 2] * 2 + 5
    grid = torch.linspace(3 + 1e-6, 9, 4001, dtype=torch.float64)
    rows = row(0, 3, 1, 0).repeat(len(grid), 1)
    rows[:, 2] = (grid - 5) / 2
    with torch.no_grad():
        mass = float(torch.trapezoid(px.log_prob_columns(rows[:, None])[:, 0, 2].exp(), rows[:, 2]))
    assert float(((x > 3) & (x < 9)).double().mean()) == pytest.approx(mass, abs=5 * math.sqrt(mass / 40_000))


def test_a_missing_cell_has_no_say() -> None:
    px = likelihood(missing=False)(Z)
    whole, holes = row(1, 3, 1, 0), row(1, math.nan, 1, math.nan)
    columns = px.log_prob_columns(whole)
    torch.testing.assert_close(px.log_prob(holes), columns[:, 0] + columns[:, 2])
    torch.testing.assert_close(px.log_prob(whole), columns.sum(-1))


def test_which_cells_are_missing_has_a_likelihood_of_its_own() -> None:
    px = likelihood()(Z)
    there, gone = row(1, 3, 1, 0), row(math.nan, 3, 1, 0)
    chance = px.log_prob(gone) - px.log_prob_columns(gone).sum(-1)
    other = px.log_prob(there) - px.log_prob_columns(there).sum(-1)
    torch.testing.assert_close(chance.exp() + other.exp(), torch.ones(3, dtype=torch.float64))
    drawn = px.sample((20_000,))
    torch.testing.assert_close(drawn[..., 0].isnan().double().mean(0), chance.exp(), rtol=0, atol=0.02)
    assert not drawn[..., 1:].isnan().any()


def test_gradients_with_missing_cells_and_wild_numbers_are_finite() -> None:
    made = likelihood().float()
    z = torch.randn(4, 2, requires_grad=True)
    x = torch.tensor([[math.nan] * 4, [0, 1e9, -1e9, 1], [2, 0.0, 0.0, 0], [1, -1e20, 1e20, math.nan]])
    log_px = made(z).log_prob(x)
    assert bool(log_px.isfinite().all())
    gradients = torch.autograd.grad(log_px.sum(), [z, *made.parameters()])
    assert all(bool(g.isfinite().all()) for g in gradients)


def test_k_draws_against_one_batch() -> None:
    made, x = likelihood(), torch.stack([row(0, 10, 0, 1), row(2, 5, 4, 0), row(1, 0, 9, 1)])
    z = torch.stack([Z, -Z])
    log_px = made(z).log_prob(x)
    assert log_px.shape == (2, 3)
    for k in range(2):
        for b in range(3):
            torch.testing.assert_close(made(z[k, b]).log_prob(x[b]), log_px[k, b])


def test_an_expectation_over_codes_is_how_often_and_how_much_is_drawn() -> None:
    made = likelihood()
    px = made(Z)
    torch.testing.assert_close(made.cells.likeliest(px.expectation), px.mean)
    torch.manual_seed(0)
    drawn = px.complete((20_000,)).flatten(0, 1)
    expected = px.expectation.mean(0).detach()
    assert made.cells.owner.tolist() == [0, 0, 0, 3, 3, 1, 2]
    for at, (column, value) in enumerate([(0, 0), (0, 1), (0, 2), (3, 0), (3, 1)]):
        assert float(expected[at]) == pytest.approx(float((drawn[:, column] == value).double().mean()), abs=0.01)
    error = (expected[5:] - drawn[:, 1:3].mean(0)).abs()
    assert bool((error < 0.05 * drawn[:, 1:3].std(0) + 0.02).all())  # quantiles stand for each logistic
    likeliest = made.cells.likeliest(expected)
    assert [int(likeliest[0]), int(likeliest[3])] == [int(drawn[:, j].mode().values) for j in (0, 3)]


def test_the_mean_is_that_of_many_draws() -> None:
    px = likelihood()(Z)
    torch.manual_seed(0)
    drawn = px.complete((60_000,))[..., 1:3]
    error = (px.mean[:, 1:3] - drawn.mean(0)).abs()
    assert bool((error < 0.05 * drawn.std(0) + 0.02).all())


def test_it_survives_its_config_and_refuses_other_data() -> None:
    made = likelihood()
    again = from_config(json.loads(json.dumps(to_config(made)))).double()
    again.load_state_dict(made.state_dict())
    assert torch.equal(again(Z).log_prob(row(1, 3, 1, 0)), made(Z).log_prob(row(1, 3, 1, 0)))
    with pytest.raises(UserError, match="likelihood of tables"):
        made.check(Schema("array", (4,)))
    with pytest.raises(UserError, match=r"schema.cells"):
        Columns(MLP(2, 3), [])
