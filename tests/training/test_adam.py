"""Adam ends in the bits of torch's own optimizers, and needs nothing of torch's compiler."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from vaekit.training.adam import Adam


@pytest.mark.parametrize("is_decoupled", [False, True])
@pytest.mark.parametrize("is_guarded", [False, True])
def test_the_weights_end_in_the_bits_of_torchs_optimizer(is_decoupled: bool, is_guarded: bool) -> None:
    generator = torch.Generator().manual_seed(0)
    start = [torch.randn(5, 3, generator=generator), torch.randn(7, generator=generator)]
    start.append(torch.ones((), dtype=torch.float64))
    ours, theirs = ([torch.nn.Parameter(w.clone()) for w in start] for _ in range(2))
    groups = [{"params": ours[:1], "lr": 0.1}, {"params": ours[1:], "lr": 0.1}]
    a = Adam(groups, weight_decay=0.3, is_decoupled=is_decoupled, beta2=0.97)
    maker = torch.optim.AdamW if is_decoupled else torch.optim.Adam
    b = maker([{"params": theirs[:1]}, {"params": theirs[1:]}], lr=0.1, betas=(0.9, 0.97), weight_decay=0.3, fused=True)
    for step in range(6):
        for group in (*a.param_groups, *b.param_groups):
            group["lr"] = 0.1 / (step + 1)
        for p, q in zip(ours, theirs, strict=True):
            p.grad = torch.randn(p.shape, generator=generator).to(p)
            q.grad = p.grad.clone()
        if step < 2:  # weights without a gradient stay
            ours[1].grad = theirs[1].grad = None
        if is_guarded:
            a.found_inf = b.found_inf = torch.tensor(float(step == 3))
        a.step()
        b.step()
    for p, q in zip(ours, theirs, strict=True):
        assert torch.equal(p, q)
        assert all(torch.equal(a.state[p][name], b.state[q][name]) for name in ("step", "exp_avg", "exp_avg_sq"))


def test_a_training_does_without_torchs_compiler() -> None:
    code = (
        "import sys, tempfile, vaekit; vaekit.train('digits', recipe='vae', limit=100, epochs=1, quiet=True, "
        "out=tempfile.mkdtemp() + '/run', compile='never'); print('torch._dynamo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split()[-1] == "False"
