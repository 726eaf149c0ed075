"""fit_prior and refit: a fitted prior explains held-out codes better, makes better samples, and is saved."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from vaekit import (
    MLP,
    VAE,
    AutoregressiveCodes,
    Bernoulli,
    Codebook,
    Deterministic,
    DiagonalGaussian,
    FlowPrior,
    GaussianPrior,
    MixturePrior,
    Run,
    Schema,
    StandardNormal,
    UniformCodesPrior,
    UserError,
    VectorQuantized,
    evaluate,
    fit_prior,
    frechet_pca64,
    load_model,
    refit,
    save_model,
    train,
)
from vaekit.data import Part
from vaekit.recipes import find_recipe


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A VAE and an autoencoder of the digits, trained for a few seconds."""
    folder = tmp_path_factory.mktemp("runs")
    options = {"quiet": True, "epochs": 10, "batch_size": 64, "hidden": 64, "latent": 8}
    return {name: train("digits", recipe=name, out=folder / name, **options) for name in ("vae", "ae")}


@pytest.mark.parametrize(("recipe", "kind"), [("vae", "mixture"), ("ae", "mixture"), ("ae", "flow"), ("ae", "vae")])
def test_held_out_codes_are_likelier_and_samples_nearer_to_the_data(runs, recipe, kind) -> None:
    model, data = runs[recipe].load_model(), runs[recipe].load_data()
    before = frechet_pca64(model, data.test, data.train, num_samples=1000)["frechet_pca64"]
    fitted = fit_prior(model, data.train, kind, num_components=10, epochs=8)
    x = torch.cat([x for x, _ in data.test.batches(256)])
    z = model.embed(x, sample=True)
    with torch.no_grad():
        gain = float((fitted.log_prior(z) - model.log_prior(z)).mean())
    assert gain > (0.05 if recipe == "vae" else 10)
    after = frechet_pca64(fitted, data.test, data.train, num_samples=1000)["frechet_pca64"]
    assert after < (1.0 if recipe == "vae" else 0.5) * before
    torch.testing.assert_close(fitted.reconstruct(x), model.reconstruct(x), rtol=0, atol=0)
    if recipe == "vae":
        nll = [evaluate(m, data.test, num_samples=20, limit=200)["nll"] for m in (model, fitted)]
        assert nll[1] < nll[0]


def test_it_is_saved_with_the_model_and_leaves_the_old_one(runs, tmp_path) -> None:
    model, data = runs["vae"].load_model(), runs["vae"].load_data()
    weights = {k: v.clone() for k, v in model.state_dict().items()}
    for kind, part in (("mixture", MixturePrior), ("flow", FlowPrior)):
        fitted = fit_prior(model, data.train, kind, epochs=1)
        save_model(fitted, tmp_path / kind)
        again = load_model(tmp_path / kind)
        assert isinstance(again.prior, part)
        z = torch.randn(5, 8)
        torch.testing.assert_close(again.log_prior(z), fitted.log_prior(z), rtol=0, atol=0)
    assert all(torch.equal(v, weights[k]) for k, v in model.state_dict().items())
    same = [fit_prior(model, data.train, "flow", epochs=1, seed=3).log_prior(torch.ones(1, 8)) for _ in "ab"]
    assert torch.equal(*same)


def test_refit_makes_a_run_of_its_own(runs, tmp_path) -> None:
    run = runs["vae"]
    before = {p.name: p.read_bytes() for p in run.path.iterdir() if p.is_file()}
    new = refit(run, "mixture", num_components=5, out=tmp_path / "new", quiet=True)
    assert new.results["prior"] == {
        "kind": "mixture",
        "fitted_to": str(run.path),
        "seed": 0,
        "num_components": 5,
    }
    assert new.results["rate"] < run.results["rate"]
    assert isinstance(Run.open(new.path).load_model().prior, MixturePrior)
    assert (new.path / "plots" / "samples.png").exists()
    assert {p.name: p.read_bytes() for p in run.path.iterdir() if p.is_file()} == before
    named = refit(run, "mixture", num_components=2, quiet=True)
    assert named.path.name == "vae-mixture"
    with pytest.raises(UserError, match="already exists"):
        refit(run, "mixture", out=tmp_path / "new", quiet=True)


def small_schema() -> Schema:
    return Schema("array", (4,), low=0.0, high=1.0, levels=2, label_names=("a", "b"))


def small_part(num: int = 400) -> Part:
    """Class a lights the first half, class b the second; a little noise."""
    torch.manual_seed(0)
    y = torch.arange(num) % 2
    clean = torch.where(y[:, None] == 0, torch.tensor([1.0, 1, 0, 0]), torch.tensor([0.0, 0, 1, 1]))
    return Part((clean - (torch.rand(num, 4) < 0.05).float()).abs(), y, None, small_schema(), "none")


def test_a_class_conditional_prior_stays_conditional() -> None:
    torch.manual_seed(0)
    part = small_part()
    model = VAE(DiagonalGaussian(MLP(4, 8), 2), GaussianPrior(MLP(2, 8), 2), Bernoulli(MLP(2, 8), 4))
    with torch.no_grad():
        model.posterior.head.layer.weight.mul_(5)
    for kind in ("mixture", "flow", "vae"):
        fitted = fit_prior(model, part, kind, num_components=2, epochs=2)
        assert fitted.condition == 2
        x, y = part.batch(torch.arange(100))
        z = model.embed(x, y)
        right, wrong = fitted.log_prior(z, y).mean(), fitted.log_prior(z, 1 - y).mean()
        assert float((right - wrong).detach()) > 0.5


def test_a_small_part_gets_fewer_gaussians() -> None:
    part = small_part()
    model = VAE(DiagonalGaussian(MLP(4, 8), 2), StandardNormal(2), Bernoulli(MLP(2, 8), 4))
    for min_rows, num in ((0, 3), (len(part) // 2, 2), (2 * len(part), 1)):
        fitted = fit_prior(model, part, "mixture", num_components=3, min_rows=min_rows)
        assert fitted.prior.logits.shape[1] == num


def test_codes_get_an_autoregressive_prior() -> None:
    torch.manual_seed(0)
    part, codebook = small_part(), Codebook(8, 3)
    model = VAE(
        VectorQuantized(MLP(4, 8), codebook, (4,)),
        UniformCodesPrior(codebook, (4,)),
        Bernoulli(MLP((3, 4), 8), 4),
    )
    model(part.batch(torch.arange(200))[0])
    fitted = fit_prior(model.eval(), part, "autoregressive", epochs=30)
    assert isinstance(fitted.prior, AutoregressiveCodes)
    assert fitted.prior.codebook is fitted.posterior.codebook
    rate = [evaluate(m, part, num_samples=0)["rate"] for m in (model, fitted)]
    assert rate[0] == pytest.approx(4 * math.log(8), abs=1e-3)
    assert rate[1] < 0.6 * rate[0]
    assert fitted.sample(5).shape == (5, 4)
    for ours, theirs in zip(fitted.posterior.state_dict().values(), model.posterior.state_dict().values()):
        assert torch.equal(ours, theirs)


def test_the_top_of_a_hierarchy_is_fitted() -> None:
    part = small_part()
    schema = Schema("image", (1, 2, 2), low=0.0, high=1.0, levels=2)
    images = Part(part.raw.reshape(-1, 1, 2, 2), None, None, schema, "none")
    torch.manual_seed(0)
    model = find_recipe("hvae")(schema, hidden=8, latent=2).model
    model.schema = schema
    fitted = fit_prior(model, images, "mixture", num_components=3)
    assert isinstance(fitted.priors[0], MixturePrior)
    rates = [evaluate(m, images, num_samples=0, limit=300)["rate_per_layer"] for m in (model, fitted)]
    assert rates[1][0] < rates[0][0]


def test_what_makes_no_sense_is_refused(runs) -> None:
    model, part = runs["vae"].load_model(), small_part()
    with pytest.raises(UserError, match='no kind of prior "gmm"'):
        fit_prior(model, part, "gmm")
    with pytest.raises(UserError, match='"autoregressive" does not fit the codes of DiagonalGaussian'):
        fit_prior(model, part, "autoregressive")
    ae = VAE(Deterministic(MLP(4, 6), 2), StandardNormal(2), Bernoulli(MLP(2, 6), 4))
    with pytest.raises(UserError, match="too few for 300 components"):
        fit_prior(ae, part, "mixture", num_components=300)


def test_an_unfinished_run_is_refused(runs, tmp_path) -> None:
    run = runs["vae"]
    new = Run.create(tmp_path / "half", "half", run.config)
    with pytest.raises(UserError, match="unfinished"):
        refit(new, "mixture", quiet=True)


def test_the_verb(runs, tmp_path, capsys) -> None:
    from vaekit.cli import main

    out = tmp_path / "fitted"
    assert main(["fit-prior", str(runs["ae"].path), "-n", "3", "-o", str(out), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["run"], facts["kind"]) == (str(out), "mixture")
    assert main(["sample", str(out), "-o", str(tmp_path / "new.npy"), "-n", "4", "--json"]) == 0
    assert np.load(tmp_path / "new.npy", allow_pickle=False).shape[0] == 4
    assert main(["train", "--resume", str(out), "--json"]) == 0
    assert isinstance(load_model(out).prior, MixturePrior)
