"""The spike guard skips outliers, and lets a true change of scale through."""

from __future__ import annotations

import torch

from vaekit.training.adam import Adam
from vaekit.training.spikes import MAX_IN_ROW, WARM_UP, SpikeGuard


def judged(guard, norms):
    return [bool(guard.judge(torch.tensor(float(norm)))) for norm in norms]


def test_a_spike_is_skipped_and_the_usual_is_not():
    guard = SpikeGuard(5.0, torch.device("cpu"))
    assert not any(judged(guard, [1.0] * WARM_UP))
    assert judged(guard, [1.0, 50.0, 1.0, float("nan"), 2.0]) == [False, True, False, True, False]
    assert guard.state["skipped"] == 2
    assert torch.isfinite(guard.state["mean"])


def test_nothing_is_skipped_before_the_usual_is_known():
    guard = SpikeGuard(5.0, torch.device("cpu"))
    assert not any(judged(guard, [1.0] * 10 + [1000.0]))


def test_there_is_a_way_out():
    """Gradients that stay a hundred times larger are taken after at most MAX_IN_ROW steps."""
    guard = SpikeGuard(5.0, torch.device("cpu"))
    judged(guard, [1.0] * (WARM_UP + 50))
    assert judged(guard, [100.0] * (MAX_IN_ROW + 1)).index(False) <= MAX_IN_ROW


def test_a_skipped_step_leaves_weights_and_moments_alone():
    weight = torch.nn.Parameter(torch.ones(3))
    optimizer = Adam([{"params": [weight], "lr": 0.1}], weight_decay=0.0, is_decoupled=False)
    weight.grad = torch.ones(3)
    optimizer.step()
    before = weight.detach().clone(), optimizer.state[weight]["exp_avg"].clone()
    optimizer.found_inf = torch.tensor(1.0)
    weight.grad = torch.full((3,), 1e9)
    optimizer.step()
    assert torch.equal(weight.detach(), before[0])
    assert torch.equal(optimizer.state[weight]["exp_avg"], before[1])
