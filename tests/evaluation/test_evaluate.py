"""evaluate: one honest, repeatable, JSON-ready dictionary."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest
import torch

from vaekit import (
    ELBO,
    MLP,
    VAE,
    Bernoulli,
    Deterministic,
    DiagonalGaussian,
    Gaussian,
    Schema,
    StandardNormal,
    UserError,
)
from vaekit.data.dataset import Part
from vaekit.evaluation import evaluate, nll

sys.path.insert(0, str(Path(__file__).parent))
from linear_gaussian import LinearPosterior, TruePosterior, evidence, model_with, part_of

GREY = Schema("image", (1, 4, 4), 0.0, 1.0, levels=256, scale=255.0, dtype="uint8", name="grey")
BINARY = Schema("image", (1, 4, 4), 0.0, 1.0, levels=2, dtype="uint8", name="binary")


def images(schema: Schema, num: int = 60, **options: object) -> Part:
    raw = torch.randint(0, schema.levels or 2, (num, *schema.shape), dtype=torch.uint8)
    return Part(raw, torch.arange(num) % 3, None, schema, **options)  # type: ignore[arg-type]


def vae(posterior: type = DiagonalGaussian, likelihood: type = Bernoulli, condition: int = 0) -> VAE:
    encoder, decoder = MLP((1, 4, 4), 16, condition=condition), MLP(2, 16, condition=condition)
    return VAE(posterior(encoder, 2), StandardNormal(2), likelihood(decoder, (1, 4, 4)))


def test_the_parts_add_up_and_agree_with_the_closed_form() -> None:
    part = part_of(evidence().sample((40,)))
    results = evaluate(model_with(TruePosterior()), part, num_samples=300)
    exact = float(-evidence().log_prob(part.raw).mean())
    assert results["nll"] == pytest.approx(exact, rel=1e-9)
    assert results["ess"] == pytest.approx(300, rel=1e-6)
    assert results["loss"] == pytest.approx(results["distortion"] + results["rate"])
    assert results["elbo"] == -results["loss"]
    # With the true posterior the bound is tight: only the draws' noise parts them.
    assert results["elbo"] == pytest.approx(-exact, abs=0.1)
    spread = evidence().log_prob(part.raw).std()
    assert results["nll_se"] == pytest.approx(float(spread) / math.sqrt(40), rel=1e-6)
    assert results["is_likelihood"]
    assert "note" not in results
    assert "bits_per_dim" not in results, (
        "a density has a unit; bits per dimension would depend on the scale of x"
    )


def test_the_same_numbers_as_nll() -> None:
    part, model = part_of(evidence().sample((12,))), model_with(LinearPosterior(spread=1.3))
    results = evaluate(model, part, num_samples=2000)
    assert results["nll"] == pytest.approx(nll(model, part, num_samples=2000).mean, abs=0.02)
    assert -results["elbo"] > results["nll"]


def test_results_are_json_and_repeat() -> None:
    model, part = vae(), images(GREY, binarize="dynamic")
    first, again = (
        evaluate(model, part, num_samples=4, objective=ELBO(beta=2.0), reference=part) for _ in range(2)
    )
    assert json.loads(json.dumps(first, allow_nan=False)) == again
    assert evaluate(model, part, num_samples=4, seed=1)["elbo"] != first["elbo"]
    assert first["frechet_pca64_data"] >= 0


def test_evaluation_leaves_no_trace() -> None:
    model, part = vae().train(), images(GREY)
    before = torch.get_rng_state()
    evaluate(model, part, num_samples=2)
    assert model.training
    assert torch.equal(before, torch.get_rng_state())
    assert not any(module._forward_hooks for module in model.modules())
    assert all(p.grad is None for p in model.parameters())


def test_grey_values_under_bernoulli_are_no_likelihood() -> None:
    results = evaluate(vae(), images(GREY), num_samples=2)
    assert not results["is_likelihood"]
    assert "cross-entropy" in results["note"]
    assert "bits_per_dim" not in results
    results = evaluate(vae(likelihood=Gaussian), images(GREY), num_samples=2)
    assert not results["is_likelihood"]
    assert "grid points" in results["note"]


def test_binary_data_have_bits_per_dimension() -> None:
    results = evaluate(vae(), images(BINARY), num_samples=5)
    assert results["is_likelihood"]
    assert results["bits_per_dim"] == pytest.approx(results["nll"] / (16 * math.log(2)))


def test_an_autoencoder_has_no_bound() -> None:
    results = evaluate(vae(Deterministic), images(GREY), num_samples=5)
    assert all(results[key] is None for key in ("elbo", "nll", "rate", "ess", "active_units", "elbo_se"))
    assert results["loss"] == results["distortion"] > 0
    assert results["mse"] > 0
    assert not results["is_likelihood"]
    assert "deterministic" in results["note"]


def test_zero_draws_leave_the_likelihood_out() -> None:
    results = evaluate(vae(), images(GREY), num_samples=0)
    assert results["nll"] is None
    assert results["ess"] is None
    assert results["elbo"] < 0


def test_limit_takes_a_random_subset() -> None:
    """Files are often sorted by class: the first images would be of one class."""
    raw = torch.zeros(1000, 1, 4, 4, dtype=torch.uint8)
    raw[500:] = 255
    part, model = Part(raw, None, None, GREY), vae(Deterministic)
    with torch.no_grad():
        for p in model.parameters():
            p.zero_()  # every reconstruction is 1/2: cross-entropy says nothing, so look at what was evaluated
    seen: list[float] = []
    model.posterior.register_forward_hook(lambda module, args, out: seen.append(float(args[0].mean())))
    results = evaluate(model, part, limit=200)
    assert (results["n"], results["n_total"]) == (200, 1000)
    assert 0.35 < seen[-1] < 0.65


def test_the_batch_size_changes_nothing_but_noise() -> None:
    part, model = images(BINARY), vae(Deterministic)
    whole, small = (evaluate(model, part, batch_size=size) for size in (None, 7))
    for key in ("distortion", "mse", "distortion_se"):
        assert whole[key] == pytest.approx(small[key], rel=1e-5)


def test_a_conditional_model_is_told_the_classes() -> None:
    results = evaluate(vae(condition=3), images(BINARY), num_samples=3)
    assert results["nll"] > 0


def test_nonsense_is_refused() -> None:
    with pytest.raises(UserError, match="at least"):
        evaluate(vae(), images(GREY), limit=0)
    with pytest.raises(UserError, match="no examples"):
        evaluate(vae(), images(GREY, num=0))
