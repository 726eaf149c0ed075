"""The loop: what it logs, when it stops, which weights it keeps."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

import vaekit
from vaekit import ELBO, MLP, VAE, DiagonalGaussian, Gaussian, Linear, StandardNormal, UserError
from vaekit.training.ema import EMA
from vaekit.training.loop import DivergedError
from vaekit.training.optimizer import learning_rate
from vaekit.training.precision import choose_precision, quicken_float32
from vaekit.training.settings import Settings


@pytest.fixture(autouse=True)
def no_finish(monkeypatch):
    """These tests look at the training alone."""
    monkeypatch.setattr("vaekit.api.finish", lambda *args: None)


def gaussian_data(n=300):
    rng = np.random.default_rng(0)
    return (rng.normal(size=(n, 2)) @ rng.normal(size=(2, 5)) + 0.1 * rng.normal(size=(n, 5))).astype(
        np.float32
    )


def small_vae():
    torch.manual_seed(0)
    return VAE(DiagonalGaussian(MLP(5, 16), 2), StandardNormal(2), Gaussian(MLP(2, 16), 5, scale="learned"))


def train(tmp_path, data=None, **options):
    return vaekit.train(
        gaussian_data() if data is None else data,
        recipe=small_vae(),
        out=tmp_path / "run",
        quiet=True,
        device="cpu",
        **{"epochs": 5, "batch_size": 32, **options},
    )


def test_metrics_add_up_and_improve(tmp_path):
    rows = train(tmp_path, epochs=15, learning_rate=0.01).metrics()
    assert [row["epoch"] for row in rows] == list(range(1, 16))
    for row in rows:
        for part in ("train", "valid"):
            terms = row[part]
            assert math.isclose(terms["elbo"], -terms["distortion"] - terms["rate"], rel_tol=1e-5)
            assert math.isclose(terms["loss"], -terms["elbo"], rel_tol=1e-4)
    assert rows[-1]["valid"]["elbo"] > rows[0]["valid"]["elbo"] + 1


def test_the_epochs_whose_weights_are_kept_are_marked(tmp_path):
    """By the bound: the loss of a warm-up does not compare between epochs."""
    rows = train(tmp_path, epochs=6, learning_rate=0.03, objective=ELBO(beta=Linear(epochs=6, start=20.0))).metrics()
    bounds = [row["valid"]["elbo"] for row in rows]
    assert [row["is_best"] for row in rows] == [bound >= max(bounds[: i + 1]) for i, bound in enumerate(bounds)]


def test_the_best_weights_are_kept(tmp_path):
    """model.safetensors scores on the validation part what its best epoch logged."""
    run = train(tmp_path, epochs=12, learning_rate=0.05)
    rows = run.metrics()
    best = max(rows, key=lambda row: row["valid"]["elbo"])
    data = vaekit.open_data(gaussian_data(), seed=0)
    model = run.load_model()
    torch.manual_seed(0)
    with torch.no_grad():
        terms = [ELBO()(model(x)).terms["elbo"] for x, _ in data.valid.batches(256)]
    assert math.isclose(float(torch.cat(terms).mean()), best["valid"]["elbo"], rel_tol=1e-5)


def test_patience_stops(tmp_path):
    run = train(tmp_path, epochs=400, patience=3, learning_rate=0.02)
    rows = run.metrics()
    scores = [row["valid"]["elbo"] for row in rows]
    assert len(rows) < 400
    assert scores.index(max(scores)) == len(rows) - 4


def test_a_non_finite_loss_stops_and_names_the_term(tmp_path):
    with pytest.raises(DivergedError, match=r"(distortion|rate).* non-finite in epoch 1") as caught:
        train(tmp_path, learning_rate=1e30)
    assert "--learning-rate" in str(caught.value)
    assert (tmp_path / "run" / "checkpoints" / "last.safetensors").exists()
    for value in torch.nn.Module.state_dict(vaekit_resume_model(tmp_path / "run")).values():
        assert bool(torch.isfinite(value.float()).all())


def vaekit_resume_model(path):
    """The model of the last checkpoint."""
    from vaekit.training.checkpoint import Checkpoint
    from vaekit.weights import load_state

    model = small_vae()
    load_state(
        model, Checkpoint.load(path / "checkpoints" / "last.safetensors").tensors, "checkpoint", "model."
    )
    return model


def test_ema_is_the_weighted_average():
    layer = torch.nn.Linear(1, 1, bias=False)
    ema = EMA(layer, 0.5)
    expected = layer.weight.item()
    for step, value in enumerate([1.0, 2.0, 3.0], start=20):  # after the early, smaller decays
        with torch.no_grad():
            layer.weight.fill_(value)
        ema.update(step)
        expected = 0.5 * expected + 0.5 * value
    with ema.applied():
        assert math.isclose(layer.weight.item(), expected, rel_tol=1e-6)
    assert layer.weight.item() == 3.0


def test_learning_rate_schedules():
    cosine = Settings(learning_rate=1.0, schedule="cosine", warmup_steps=10)
    assert learning_rate(cosine, 0, 100) == pytest.approx(0.1)
    assert learning_rate(cosine, 50, 100) == pytest.approx(0.505)
    assert learning_rate(cosine, 100, 100) == pytest.approx(0.01)
    linear = Settings(learning_rate=1.0, schedule="linear", warmup_steps=10)
    assert learning_rate(linear, 4, 100) == pytest.approx(0.5 * (1 - 0.99 * 0.04))
    assert learning_rate(linear, 50, 100) == pytest.approx(0.505)
    assert learning_rate(linear, 100, 100) == pytest.approx(0.01)
    assert learning_rate(Settings(learning_rate=1.0), 77, 100) == 1.0


def test_warm_up_reaches_the_objective(tmp_path):
    """With beta rising from 0, the first epoch pays little for its rate."""
    objective = ELBO(beta=vaekit.Linear(epochs=1000))
    run = vaekit.train(
        gaussian_data(),
        recipe=small_vae(),
        objective=objective,
        out=tmp_path / "run",
        quiet=True,
        epochs=2,
        device="cpu",
    )
    terms = run.metrics()[-1]["train"]
    assert terms["loss"] == pytest.approx(terms["distortion"], rel=0.01)
    assert terms["rate"] > 0.1


def test_clipping_bounds_the_step(tmp_path):
    """Plain gradient directions survive, their length does not: a tiny norm leaves Adam's direction alone."""
    small = train(tmp_path / "a", clip_norm=1e-6, epochs=1).metrics()[0]["train"]["elbo"]
    free = train(tmp_path / "b", epochs=1).metrics()[0]["train"]["elbo"]
    assert small != free


def test_without_validation_the_last_weights_are_kept(tmp_path):
    run = train(tmp_path, valid=0)
    assert run.metrics()[-1]["valid"] == {}
    assert (run.path / "model.safetensors").exists()


def test_bfloat16_changes_networks_only(tmp_path):
    run = train(tmp_path, precision="bfloat16", epochs=3)
    assert all(p.dtype == torch.float32 for p in run.load_model().parameters())
    assert all(math.isfinite(row["train"]["loss"]) for row in run.metrics())
    assert choose_precision("float32", torch.device("cpu"), 10**6)[0] is torch.float32
    assert choose_precision("auto", torch.device("cpu"), 1000)[0] is torch.float32


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1"),
        ({"batch_size": 10_000}, "larger than the training part"),
        ({"learning_rate": -1}, "learning_rate must be above 0"),
        ({"ema": 1.0}, "ema must be"),
        ({"epoch": 3}, 'Did you mean "epochs"'),
        ({"epochs": "many"}, "does not fit"),
        ({"latent": 3}, 'no option "latent"'),
    ],
)
def test_bad_settings_leave_nothing_behind(tmp_path, options, message):
    with pytest.raises(UserError, match=message):
        train(tmp_path, **options)
    assert not (tmp_path / "run").exists()


def test_config_states_everything(tmp_path):
    run = train(tmp_path)
    assert run.config["training"]["batch_size"] == 32
    assert run.config["model"]["type"] == "VAE"
    assert json.loads((run.path / "env.json").read_text())["torch"] == torch.__version__


def test_an_objective_takes_the_place_of_the_recipes_own(tmp_path):
    options = {"epochs": 1, "latent": 2, "hidden": 8, "limit": 200, "quiet": True}
    run = vaekit.train("digits", recipe="vae", objective=vaekit.IWAE(3), out=tmp_path / "run", **options)
    assert "bound" in run.metrics()[0]["valid"]
    again = vaekit.train_config(run.config, out=tmp_path / "again", quiet=True)
    assert again.metrics() == run.metrics()


def test_an_array_run_resumes_with_its_own_array_only(tmp_path):
    data = gaussian_data()
    whole = train(tmp_path / "whole", data=data, epochs=4)
    run = train(tmp_path / "again", data=data, epochs=4)
    assert vaekit.resume(run.path, data=data, quiet=True, device="cpu").metrics() == whole.metrics()
    with pytest.raises(UserError):
        vaekit.resume(run.path, quiet=True)
    with pytest.raises(UserError):
        vaekit.resume(run.path, data=data + 1, quiet=True)


def test_a_file_that_changed_is_noticed_on_resume(tmp_path):
    path = tmp_path / "x.npy"
    np.save(path, gaussian_data())
    run = train(tmp_path, data=path, epochs=2)
    np.save(path, gaussian_data() + 50)
    with pytest.raises(UserError, match="changed since"):
        vaekit.resume(run.path, quiet=True, device="cpu")


def test_a_recipe_of_another_type_is_refused(tmp_path):
    with pytest.raises(UserError, match="a recipe's name or a composed model"):
        vaekit.train(gaussian_data(), recipe=VAE, out=tmp_path / "run", quiet=True)


def test_a_batch_size_that_nobody_chose_fits_small_data(tmp_path):
    run = vaekit.train(
        gaussian_data(60), recipe=small_vae(), out=tmp_path / "run", quiet=True, epochs=1, device="cpu"
    )
    assert run.config["training"]["batch_size"] < 60


def test_quicker_products_stay_in_float32():
    """Whatever the processor, leave to round is given only where it is not used."""
    before = torch.backends.mkldnn.matmul.fp32_precision
    try:
        quicken_float32()
        a, b = (torch.randn(96, 640, dtype=torch.float64) for _ in range(2))
        error = (a.float() @ b.float().T - a @ b.T).abs().max()
        assert error < 2e-4  # bfloat16 would err by about 0.1
    finally:
        torch.backends.mkldnn.matmul.fp32_precision = before


def test_leave_to_round_is_taken_back_where_it_is_used(monkeypatch):
    class Rounding:
        fp32_precision = "none"

    monkeypatch.setattr(torch.backends.mkldnn, "matmul", Rounding)
    real = torch.Tensor.__matmul__

    def product(a, b):
        if a.dtype == torch.float32 and Rounding.fp32_precision == "bf16":
            return real(a.bfloat16().float(), b.bfloat16().float())
        return real(a, b)

    monkeypatch.setattr(torch.Tensor, "__matmul__", product)
    assert not quicken_float32()
    assert Rounding.fp32_precision == "none"
