"""Muon: orthogonal steps against the singular value decomposition, and whole steps against torch's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

import vaekit
from vaekit.errors import UserError
from vaekit.training.checkpoint import optimizer_tensors, restore_optimizer
from vaekit.training.muon import Muon, matrices_of, orthogonalized
from vaekit.training.settings import Settings


def made(*shape: int, seed: int = 0) -> nn.Parameter:
    return nn.Parameter(torch.randn(shape, generator=torch.Generator().manual_seed(seed)))


@pytest.mark.parametrize("shape", [(30, 80), (80, 30), (50, 50), (1, 7)])
def test_all_directions_of_a_step_are_about_equally_long(shape: tuple[int, int]) -> None:
    u, s, v = torch.linalg.svd(made(*shape).detach(), full_matrices=False)
    matrix = u @ torch.diag(torch.logspace(1, -0.5, len(s))) @ v  # few directions dominate
    inside = u.T @ orthogonalized(matrix) @ v.T  # diagonal, and near to one
    values = inside.diagonal()
    assert values.min() > 0.6
    assert values.max() < 1.3
    assert (inside - values.diag()).abs().max() < 0.1


def test_a_matrix_of_zeros_takes_no_step() -> None:
    assert torch.equal(orthogonalized(torch.zeros(4, 6)), torch.zeros(4, 6))


@pytest.mark.parametrize("shape", [(12, 20), (20, 12)])
def test_the_weights_follow_torchs_muon(shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("vaekit.training.muon.has_bfloat16_units", lambda device: True)  # torch's always rounds so
    ours, theirs = made(*shape), made(*shape)
    a = Muon([{"params": [ours], "lr": 0.1}], [ours], weight_decay=0.3)
    b = torch.optim.Muon([theirs], lr=0.1, weight_decay=0.3, adjust_lr_fn="match_rms_adamw")
    for step in range(5):
        a.param_groups[0]["lr"] = b.param_groups[0]["lr"] = 0.1 / (step + 1)
        ours.grad = made(*shape, seed=step + 1).detach()
        theirs.grad = ours.grad.clone()
        a.step()
        b.step()
    # both round to bfloat16 within: what differs is the order of one multiplication
    assert (ours - theirs).norm() < 0.02 * (theirs - made(*shape)).norm()


def test_steps_are_as_long_as_adams() -> None:
    weight = made(60, 90)
    before = weight.detach().clone()
    optimizer = Muon([{"params": [weight], "lr": 0.01}], [weight], weight_decay=0.0)
    weight.grad = made(60, 90, seed=1).detach()
    optimizer.step()
    assert (weight - before).square().mean().sqrt().item() == pytest.approx(0.2 * 0.01, rel=0.2)


def test_a_skipped_step_changes_nothing_even_where_the_gradient_is_not_a_number() -> None:
    weight = made(5, 4)
    optimizer = Muon([{"params": [weight], "lr": 0.1}], [weight], weight_decay=0.1)
    weight.grad = made(5, 4, seed=1).detach()
    optimizer.found_inf = torch.zeros(())
    optimizer.step()
    kept, momentum = weight.detach().clone(), optimizer.state[weight]["momentum"].clone()
    weight.grad = torch.full((5, 4), float("nan"))
    optimizer.found_inf = torch.ones(())
    optimizer.step()
    assert torch.equal(weight, kept)
    assert torch.equal(optimizer.state[weight]["momentum"], momentum)


def test_what_is_no_matrix_of_a_layer_is_left_to_adam() -> None:
    model = nn.Sequential(
        nn.Linear(3, 4), nn.Conv2d(2, 4, 3), nn.Conv2d(4, 4, 3, groups=4), nn.Embedding(5, 4), nn.LayerNorm(4)
    )
    assert [tuple(p.shape) for p in matrices_of(model)] == [(4, 3), (4, 2, 3, 3)]


def test_a_restored_optimizer_takes_the_same_steps() -> None:
    def made_anew(weights: list[nn.Parameter]) -> Muon:
        return Muon([{"params": weights, "lr": 0.1}], weights[:1], weight_decay=0.1)

    def step(optimizer: Muon, seed: int) -> None:
        for p in optimizer.weights:
            p.grad = made(*p.shape, seed=seed).detach()
        optimizer.step()

    whole = made_anew([made(4, 6), made(6)])
    step(whole, 1)
    resumed = made_anew([nn.Parameter(p.detach().clone()) for p in whole.weights])
    restore_optimizer(resumed, optimizer_tensors(whole))
    for optimizer in (whole, resumed):
        step(optimizer, 2)
    assert all(torch.equal(p, q) for p, q in zip(whole.weights, resumed.weights, strict=True))


def test_a_training_is_the_same_again(tmp_path: Path) -> None:
    options = {"recipe": "ladder", "limit": 200, "epochs": 1, "optimizer": "muon", "skip_spikes": 3.0}
    a, b = (vaekit.train("digits", out=tmp_path / name, quiet=True, **options).load_model() for name in "ab")
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        assert p.isfinite().all()
        assert torch.equal(p, q)


def test_shards_are_refused() -> None:
    with pytest.raises(UserError, match="whole matrices"):
        Settings(optimizer="muon", shard=True)
