"""The bound against K: nested, tightening, and the same numbers as one estimate at a time."""

from __future__ import annotations

import math
import sys
from pathlib import Path

import pytest
import torch

from vaekit import UserError
from vaekit.evaluation import bound_vs_samples, chunks, nll
from vaekit.evaluation.bound import BlockBound
from vaekit.plots import bound

sys.path.insert(0, str(Path(__file__).parent))
from linear_gaussian import LinearPosterior, TruePosterior, evidence, model_with, part_of


@pytest.mark.parametrize("chunk", [1, 3, 7, 100])
def test_blocks_of_draws_whatever_the_chunks(chunk: int) -> None:
    log_w = torch.randn(100, 4, dtype=torch.float64) * 20 - 500
    for k in (1, 5, 30, 100):
        blocks = BlockBound(k, 4)
        for rows in log_w.split(chunk):
            blocks.add(rows)
        whole = log_w[: 100 // k * k].unflatten(0, (-1, k)).logsumexp(1).mean(0) - math.log(k)
        assert blocks.num_blocks == 100 // k
        torch.testing.assert_close(blocks.value, whole)


def test_the_curve_rises_to_the_evidence_and_starts_at_the_elbo() -> None:
    part, model = part_of(evidence().sample((200,))), model_with(LinearPosterior(spread=1.5))
    curve = bound_vs_samples(model, part, ks=(1, 10, 1000))
    exact = float(evidence().log_prob(part.raw).mean())
    assert curve.means[0] < curve.means[1] < curve.means[2]
    assert curve.means[2] == pytest.approx(exact, abs=0.02)
    elbo = model.elbo(part.raw, num_samples=4000).mean().item()
    assert curve.means[0] == pytest.approx(elbo, abs=0.02)
    for mean, (low, high) in zip(curve.means, curve.intervals, strict=True):
        assert low < mean < high


def test_the_gap_to_the_evidence_is_half_the_relative_variance() -> None:
    part, model = part_of(evidence().sample((400,))), model_with(LinearPosterior(spread=1.4))
    exact = -float(evidence().log_prob(part.raw).mean())
    results = [nll(model, part, num_samples=20, seed=seed) for seed in range(10)]
    gap = sum(r.mean for r in results) / 10 - exact
    assert gap > 0.005
    assert sum(r.jensen_gap for r in results) / 10 == pytest.approx(gap, rel=0.3)


def test_a_true_posterior_is_tight_from_the_first_draw() -> None:
    part = part_of(evidence().sample((20,)))
    curve = bound_vs_samples(model_with(TruePosterior()), part, ks=(5, 1))
    assert curve.ks == (1, 5)
    torch.testing.assert_close(curve.values, evidence().log_prob(part.raw).expand(2, -1))


def test_chunks_are_within_the_budget_and_change_only_the_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "BUDGET", 4 * chunks.LIVE_ACTIVATIONS * 3 * 64)
    model, rows = model_with(LinearPosterior()), []
    model.likelihood.register_forward_hook(lambda module, args, out: rows.append(args[0][..., 0].numel()))
    bound_vs_samples(model, part_of(evidence().sample((5,))), ks=(1, 300))
    assert max(rows) <= 64


def test_numbers_of_draws_below_one_are_refused() -> None:
    with pytest.raises(UserError, match="at least 1"):
        bound_vs_samples(model_with(TruePosterior()), part_of(torch.zeros(2, 3)), ks=(0, 5))


def test_the_picture_shows_every_k() -> None:
    part, model = part_of(evidence().sample((30,))), model_with(LinearPosterior(spread=0.6))
    curve = bound_vs_samples(model, part, ks=(1, 5, 50))
    figure = bound({"linear": curve.to_dict(), "again": curve.to_dict()}, name="toy")
    (ax,) = figure.axes
    assert [t.get_text() for t in ax.get_xticklabels()] == ["1", "5", "50"]
    drawn = ax.get_lines()[0].get_ydata()
    assert list(drawn) == pytest.approx(curve.means)
