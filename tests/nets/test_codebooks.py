"""Codebooks: vectors and codes agree, gradients pass straight through once, and commitment is a sum over positions."""

from __future__ import annotations

import pytest
import torch

from vaekit import Codebook, HierarchicalCodebook, Quantizer, ResidualCodebook, ScalarCodebook, UserError
from vaekit.component import from_config, to_config

MAKE = {
    "Codebook": lambda: Codebook(16, 3),
    "ResidualCodebook": lambda: ResidualCodebook(8, 3, 3),
    "HierarchicalCodebook": lambda: HierarchicalCodebook(4, 3, 3),
    "ScalarCodebook": lambda: ScalarCodebook((5, 4, 3)),
}
every = pytest.mark.parametrize("name", list(MAKE))


def started(name: str) -> Quantizer:
    """A codebook that has seen data."""
    torch.manual_seed(0)
    codebook = MAKE[name]()
    codebook(torch.randn(64, 4, 3))
    return codebook.eval()


@every
def test_codes_stand_for_the_vectors(name: str) -> None:
    codebook = started(name)
    x = torch.randn(10, 4, 3)
    vectors, codes = codebook(x)
    assert codes.shape == (10, 4, *((codebook.num_symbols,) if codebook.num_symbols > 1 else ()))
    assert 0 <= int(codes.min()) <= int(codes.max()) < codebook.num_codes
    torch.testing.assert_close(codebook.lookup(codes), vectors, rtol=0, atol=1e-6)
    if codebook.num_symbols == 1:
        assert torch.equal(codebook.codes_of(vectors), codes)
        everything = codebook.lookup(torch.arange(codebook.num_codes))
        torch.testing.assert_close(codebook.mean, everything.mean(0))
    again = from_config(to_config(codebook))
    again.load_state_dict(codebook.state_dict())
    assert torch.equal(again.eval()(x)[1], codes)


@pytest.mark.parametrize("name", ["Codebook", "ResidualCodebook", "HierarchicalCodebook"])
def test_the_gradient_passes_straight_through_once(name: str) -> None:
    codebook = started(name).train()
    x = torch.randn(10, 4, 3, requires_grad=True)
    weight = torch.randn(10, 4, 3)
    (gradient,) = torch.autograd.grad((codebook(x)[0] * weight).sum(), x)
    torch.testing.assert_close(gradient, weight)


def test_scalars_round_a_bounded_value_and_take_its_gradient() -> None:
    codebook = ScalarCodebook((5, 5, 5))
    x = torch.linspace(-4, 4, 30).reshape(1, 10, 3).requires_grad_()
    vectors, _ = codebook(x)
    bounded = torch.tanh(x) * 4 * 1.001 / 2  # the paper's f(z) = floor(L / 2) tanh(z), for odd L
    torch.testing.assert_close(vectors, bounded.round() / 2, rtol=0, atol=1e-6)
    (found,) = torch.autograd.grad(vectors.sum(), x, retain_graph=True)
    (expected,) = torch.autograd.grad((bounded / 2).sum(), x)
    torch.testing.assert_close(found, expected)


@every
def test_all_scalar_codes_are_different_and_a_round_trip(name: str) -> None:
    codebook = started(name)
    if codebook.num_symbols > 1:
        with pytest.raises(UserError, match="not unique"):
            codebook.codes_of(torch.zeros(1, 3))
        return
    codes = torch.arange(codebook.num_codes)
    vectors = codebook.lookup(codes)
    assert len(vectors.unique(dim=0)) == codebook.num_codes
    assert torch.equal(codebook.codes_of(vectors), codes)


def test_each_residual_vector_is_the_nearest_to_what_is_left() -> None:
    codebook = started("ResidualCodebook")
    x = torch.randn(10, 4, 3)
    _, codes = codebook(x)
    left, total = x, torch.zeros(10)
    for s in range(3):
        nearest = torch.cdist(left, codebook.vectors[s]).argmin(-1)
        assert torch.equal(nearest, codes[..., s])
        left = left - codebook.vectors[s][nearest]
        total = total + left.square().sum((1, 2))
    torch.testing.assert_close(codebook.commitment(x, codes), total)
    assert float(left.square().mean()) < 0.5 * float(x.square().mean())


@pytest.mark.parametrize("name", ["Codebook", "ResidualCodebook", "HierarchicalCodebook"])
def test_the_commitment_of_an_example_does_not_know_its_batch(name: str) -> None:
    codebook = started(name)
    x = torch.randn(6, 4, 3)
    _, codes = codebook(x)
    whole = codebook.commitment(x, codes)
    torch.testing.assert_close(codebook.commitment(x[2:3], codes[2:3]), whole[2:3])
    assert ScalarCodebook((3, 3, 3)).commitment(x, codes) is None


def test_a_path_down_the_tree_takes_the_nearest_child_at_every_node() -> None:
    codebook = started("HierarchicalCodebook")
    x = torch.randn(10, 4, 3)
    _, codes = codebook(x)
    total = torch.zeros(10)
    for i in range(10):
        for p in range(4):
            left, node = x[i, p], 0
            for s, (vectors, _) in enumerate(codebook.layers):
                nearest = int((vectors[node] - left).square().sum(-1).argmin())
                assert nearest == int(codes[i, p, s])
                left, node = left - vectors[node, nearest], node * 4 + nearest
                total[i] += left.square().sum()
    torch.testing.assert_close(codebook.commitment(x, codes), total)
    everything = torch.cartesian_prod(*3 * [torch.arange(4)])
    torch.testing.assert_close(codebook.mean, codebook.lookup(everything).mean(0))


def test_a_tree_learns_clusters_within_clusters() -> None:
    """3 clusters of 3 clusters: two layers find all nine, other children for each parent; a shared second codebook of
    3 cannot, since each parent has offsets of its own."""
    far = torch.tensor([[10.0, 0.0], [-10.0, 0.0], [0.0, 10.0]])
    near = torch.randn(3, 3, 2)
    points = (far[:, None] + near).reshape(9, 2)
    tree, shared = HierarchicalCodebook(3, 2, 2, decay=0.8), ResidualCodebook(3, 2, 2, decay=0.8)
    for _ in range(200):
        x = points[torch.randint(9, (32, 8))] + 0.01 * torch.randn(32, 8, 2)
        tree(x)
        shared(x)
    left = [float((book.eval()(points[None])[0] - points).square().sum(-1).mean()) for book in (tree, shared)]
    assert left[0] < 1e-3
    assert left[1] > 0.1
    assert len(tree(points[None])[1].reshape(9, 2).unique(dim=0)) == 9


def test_a_vector_moves_to_the_mean_of_what_chose_it() -> None:
    codebook = started("HierarchicalCodebook").train()
    x, before = torch.randn(20, 4, 3), [(v.clone(), u.clone()) for v, u in codebook.layers]
    _, codes = codebook(x)
    chose = (codes[..., 0] == 1).reshape(-1)
    vector, uses = before[0][0][0, 1], before[0][1][0, 1]
    expected = (0.99 * uses * vector + 0.01 * x.reshape(-1, 3)[chose].sum(0)) / (0.99 * uses + 0.01 * chose.sum())
    torch.testing.assert_close(codebook.layers[0][0][0, 1], expected)


def test_an_unused_vector_takes_half_of_its_busiest_sibling() -> None:
    codebook = started("HierarchicalCodebook")
    codebook.uses_0[0, 1:3] = torch.tensor([50.0, 0.0])
    before = codebook.vectors_0.clone()
    codebook._split(0)
    torch.testing.assert_close(codebook.vectors_0[0, 2], 1.01 * before[0, 1])
    torch.testing.assert_close(codebook.vectors_0[0, [0, 1, 3]], before[0, [0, 1, 3]])
    assert codebook.uses_0[0, 1:3].tolist() == [25.0, 25.0]
    for vectors in (codebook.vectors_1.view(4, -1), codebook.vectors_2.view(4, -1)):
        assert torch.equal(vectors[2], vectors[1]), "with what hangs below it"
        assert not torch.equal(vectors[2], vectors[3])


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(UserError, match="at least 3 levels"):
        ScalarCodebook((8, 2))
    with pytest.raises(UserError, match="at least 2 codebooks"):
        ResidualCodebook(8, 3, 1)
    with pytest.raises(UserError, match="at least 2 layers"):
        HierarchicalCodebook(8, 3, 1)
    with pytest.raises(UserError, match="at most a million"):
        HierarchicalCodebook(512, 3, 3)
    with pytest.raises(UserError, match="at least 2 codes"):
        ResidualCodebook(1, 3, 2)
