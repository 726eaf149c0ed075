"""TableEncoder: missing cells, special numbers, hidden cells."""

from __future__ import annotations

import torch

from vaekit import ResidualMLP, TableEncoder

COLUMNS = [
    {"size": 3, "missing": 0.1},
    {"specials": [0.0], "knots": [-1.0, 0.0, 2.0], "scores": [-1.0, 0.5, 1.0],
     "step": 0.0, "origin": 0.0, "missing": 0.0},
]  # fmt: skip


def test_features_are_bits_scores_and_one_hots() -> None:
    encoder = TableEncoder(COLUMNS, 8)
    x = torch.tensor([[2.0, 0.0], [torch.nan, 1.0], [0.0, torch.nan]])
    expected = torch.tensor([
        # missing bits, score, special zero, three categories
        [0, 0, 0.5, 1, 0, 0, 1],
        [1, 0, 0.75, 0, 0, 0, 0],
        [0, 1, 0.0, 0, 1, 0, 0],
    ])  # fmt: skip
    torch.testing.assert_close(encoder.features(x), expected)


def test_scores_go_back_to_numbers() -> None:
    cells = TableEncoder(COLUMNS, 8).double().cells
    x = torch.linspace(-5, 7, 50, dtype=torch.float64)[:, None]
    torch.testing.assert_close(cells.unscore(cells.score(x)[0]), x)


def test_cells_are_hidden_in_training_only() -> None:
    encoder = TableEncoder(COLUMNS, 8, hide=1.0)
    with torch.no_grad():
        encoder.body.blocks[0].second.weight.normal_()
    x = torch.tensor([[2.0, 1.0]]).expand(500, 2)
    torch.manual_seed(0)
    assert len(encoder.train()(x).unique(dim=0)) == 4, "nothing, one, the other and both hidden"
    assert len(encoder.eval()(x).unique(dim=0)) == 1


def test_a_residual_stack_begins_as_its_first_layer() -> None:
    deep = ResidualMLP(5, 16, num_blocks=4)
    shallow = ResidualMLP(5, 16, num_blocks=0)
    shallow.enter.load_state_dict(deep.enter.state_dict())
    x = torch.randn(7, 5)
    torch.testing.assert_close(deep(x), shallow(x))


def test_a_way_around_hands_on_what_came_in() -> None:
    x, y = torch.randn(7, 5), torch.randn(7, 2)
    net = ResidualMLP(5, 16, condition=2, around=True)
    assert net.out_shape == (23,)
    torch.testing.assert_close(net(x, y)[:, 16:], torch.cat([x, y], 1))
    encoder = TableEncoder(COLUMNS, 8, around=True)
    rows = torch.tensor([[2.0, torch.nan]])
    torch.testing.assert_close(encoder(rows)[:, 8:], encoder.features(rows))
