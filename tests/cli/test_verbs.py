"""Every verb on every kind of model: what it prints, what it writes, and that it repeats."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import vaekit as vk
from vaekit.run import Run, read_toml

Call = Callable[..., Any]
KINDS = ("vae", "cond", "ae", "hvae", "vqvae", "table")
PNG = b"\x89PNG\r\n"


def rows_of(path: Path) -> list[dict[str, str]]:
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("verb", ["sample", "reconstruct", "embed", "interpolate", "traverse", "evaluate", "show"])
def test_a_verb_answers_with_one_json_object(verb: str, kind: str, runs: Path, here: Path, vaekit: Call) -> None:
    extra = ["--num-samples", 2] if verb == "evaluate" else []
    done = vaekit(verb, runs / kind, "--json", *extra)
    if (verb, kind) == ("traverse", "vqvae"):
        assert done.code == 2
        assert "codebook" in done.facts["error"]
        return
    assert done.code == 0, done.err
    assert done.facts["run"] == str(runs / kind)
    json.dumps(done.facts, allow_nan=False)
    if verb not in ("evaluate", "show"):
        written = here / done.facts["output"]
        assert written.read_bytes()[:6] == PNG or written.suffix == ".csv"


@pytest.mark.parametrize("kind", KINDS)
def test_evaluate_states_figures_with_their_errors(kind: str, runs: Path, vaekit: Call) -> None:
    facts = vaekit("evaluate", runs / kind, "--json", "-k", 5, "--limit", 20).facts
    assert {"elbo", "nll", "rate", "distortion", "active_units", "num_samples", "n", "unit", "part"} <= set(facts)
    assert {"elbo_se", "nll_se", "rate_se", "distortion_se"} <= set(facts)
    assert facts["n"] == min(20, facts["n_total"])
    if kind == "ae":
        assert facts["elbo"] is None
    else:
        assert facts["nll"] <= -facts["elbo"] * (1 + 1e-7), "importance sampling only tightens the bound"
        assert facts["rate"] + facts["distortion"] == pytest.approx(-facts["elbo"], abs=1e-4)


def test_evaluate_takes_a_part(runs: Path, vaekit: Call) -> None:
    counts = {part: vaekit("evaluate", runs / "vae", "--part", part, "-k", 1, "--json").facts["n"] for part in
              ("train", "valid", "test")}  # fmt: skip
    data = Run.open(runs / "vae").load_data()
    assert counts == {name: len(part) for name, part in data.parts.items()}


def test_sample_is_what_the_model_samples(runs: Path, here: Path, vaekit: Call) -> None:
    vaekit("sample", runs / "table", "-n", 7, "-o", "a.npy", "--seed", 3)
    vaekit("sample", runs / "table", "-n", 7, "-o", "b.npy", "--seed", 3)
    vaekit("sample", runs / "table", "-n", 7, "-o", "c.npy", "--seed", 4)
    a, b, c = (np.load(f"{name}.npy") for name in "abc")
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)
    # Samples are in the data's own units: means of 5, not of 0.
    assert a.shape == (7, 5)
    assert abs(a.mean() - 5.0) < 1.5


def test_samples_of_images_have_the_type_of_the_data(runs: Path, here: Path, vaekit: Call) -> None:
    vaekit("sample", runs / "vae", "-n", 4, "-o", "a.npy")
    a = np.load("a.npy")
    assert a.dtype == np.uint8
    assert a.shape == (4, 1, 8, 8)
    assert a.max() <= 16
    assert vaekit("reconstruct", runs / "vae", "a.npy", "-o", "back.npz").code == 0
    with np.load("back.npz") as back:
        assert np.array_equal(back["x"], a)


def test_a_conditional_model_draws_one_class(runs: Path, here: Path, vaekit: Call) -> None:
    vaekit("sample", runs / "cond", "-n", 5, "--label", 7, "-o", "seven.npz")
    with np.load("seven.npz") as seven:
        assert seven["y"].tolist() == [7] * 5
        vaekit("sample", runs / "cond", "-n", 5, "--label", 3, "-o", "three.npz")
        with np.load("three.npz") as three:
            assert not np.array_equal(seven["x"], three["x"]), "the class changes what the same draws decode to"


def test_temperature_zero_gives_one_and_the_same(runs: Path, here: Path, vaekit: Call) -> None:
    vaekit("sample", runs / "vae", "-n", 5, "--temperature", 0, "-o", "a.csv")
    assert len({tuple(row.values()) for row in rows_of(here / "a.csv")}) == 1


def test_embed_agrees_with_python(runs: Path, here: Path, vaekit: Call) -> None:
    vaekit("embed", runs / "vae", "-o", "codes.csv")
    vaekit("embed", runs / "vae", "-o", "codes.npy")
    run = Run.open(runs / "vae")
    test = run.load_data().test
    assert test is not None
    x, y = next(test.batches(len(test)))
    codes = vk.load(run).embed(x).numpy()
    np.testing.assert_allclose(np.load("codes.npy"), codes, atol=1e-6)
    rows = rows_of(here / "codes.csv")
    np.testing.assert_allclose([[float(r[f"z_{i}"]) for i in (1, 2, 3, 4)] for r in rows], codes, atol=1e-5)
    assert y is not None
    assert [int(r["label"]) for r in rows] == y.tolist()


def test_codes_of_a_vector_quantized_model(runs: Path, here: Path, vaekit: Call) -> None:
    vaekit("embed", runs / "vqvae", "-o", "codes.npz")
    vaekit("embed", runs / "vqvae", "-o", "codes.csv")
    with np.load("codes.npz") as found:
        assert found["codes"].shape[1:] == found["z"].shape[2:]
        table = np.array([[int(row[f"codes_{i}"]) for i in (1, 2, 3, 4)] for row in rows_of(here / "codes.csv")])
        assert np.array_equal(found["codes"].reshape(len(table), -1), table)
        assert 0 <= table.min() <= table.max() < 8


def write_images(folder: Path, images: np.ndarray, labels: np.ndarray) -> None:
    """Digits 0..16 as PNG files of 0..255 in sub-folders by class."""
    for i, (image, label) in enumerate(zip(images, labels)):
        (folder / str(label)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.rint(image * 255 / 16).astype(np.uint8)).save(folder / str(label) / f"{i}.png")


def test_files_of_every_kind_give_the_same_codes(runs: Path, here: Path, vaekit: Call) -> None:
    """The same digits as raw integers, as shares of the range, and as PNG files."""
    from sklearn.datasets import load_digits

    bunch = load_digits()
    images, labels = bunch.images[:6], bunch.target[:6]
    np.save("raw.npy", images.astype(np.uint8))
    np.save("shares.npy", (images / 16).astype(np.float32))
    write_images(here / "files", images, labels)
    for source in ("raw.npy", "shares.npy", "files"):
        assert vaekit("embed", runs / "vae", source, "-o", f"{Path(source).stem}-codes.npz").code == 0
    with np.load("raw-codes.npz") as raw, np.load("shares-codes.npz") as shares, np.load("files-codes.npz") as files:
        np.testing.assert_allclose(raw["z"], shares["z"], atol=1e-5)
        order = np.argsort([name.split("/")[-1] for name in files["names"].tolist()])
        np.testing.assert_allclose(raw["z"], files["z"][order], atol=1e-5)
        assert files["y"][order].tolist() == labels.tolist()
        vaekit("embed", runs / "vae", here / "files" / "3" / "3.png", "-o", "one.npy")
        np.testing.assert_allclose(np.load("one.npy")[0], raw["z"][3], atol=1e-5)


def test_labels_come_with_the_input(runs: Path, here: Path, vaekit: Call) -> None:
    write_images(here / "files", np.full((4, 8, 8), 8.0), np.array([2, 2, 7, 7]))
    assert vaekit("embed", runs / "cond", "files", "-o", "codes.npz").code == 0
    with np.load("codes.npz") as found:
        assert found["y"].tolist() == [2, 2, 7, 7], "the model's own class numbers"
        assert not np.allclose(found["z"][0], found["z"][2]), "the same picture, told another class"


def test_a_reconstructions_error_is_per_example(runs: Path, here: Path, vaekit: Call) -> None:
    done = vaekit("reconstruct", runs / "vae", "-o", "errors.csv", "--json")
    rows = rows_of(here / "errors.csv")
    assert np.mean([float(row["mse"]) for row in rows]) == pytest.approx(done.facts["mse"], rel=1e-5)
    assert done.facts["mse"] == pytest.approx(Run.open(runs / "vae").results["mse"], rel=1e-4)


def test_interpolation_begins_and_ends_at_reconstructions(runs: Path, here: Path, vaekit: Call) -> None:
    vaekit("interpolate", runs / "table", 0, 3, "-o", "walk.npy", "--steps", 5)
    vaekit("reconstruct", runs / "table", "-o", "all.npy")
    walk, back = np.load("walk.npy")[0], np.load("all.npy")
    np.testing.assert_allclose(walk[[0, -1]], back[[0, 3]], rtol=1e-4)


def test_a_traversal_changes_one_dimension(runs: Path, here: Path, vaekit: Call) -> None:
    done = vaekit("traverse", runs / "hvae", "-o", "t.npz", "--dims", 4, "--steps", 3, "--span", 1, "--json")
    with np.load("t.npz") as found:
        assert found["x"].shape == (4, 3, 1, 8, 8)
        assert found["values"].tolist() == [-1.0, 0.0, 1.0]
    kl = done.facts["kl"]
    assert kl == sorted(kl, reverse=True)
    assert len(set(done.facts["dims"])) == 4


def test_compare_puts_runs_side_by_side(runs: Path, here: Path, vaekit: Call) -> None:
    done = vaekit("compare", runs / "vae", runs / "ae", "-k", 2, "--limit", 20, "-o", "both.png", "--json")
    vae, ae = done.facts["runs"]
    assert (vae["name"], ae["name"]) == ("vae", "ae")
    assert ae["elbo"] is None
    assert {"mse", "mse_se", "frechet_pca64"} <= set(vae) & set(ae)
    assert (here / "both.png").read_bytes()[:6] == PNG
    shown = vaekit("compare", runs / "vae", runs / "ae", "-k", 2, "--limit", 20, "-o", "again.png").out
    assert "±" in shown
    assert "again.png" in shown


def test_runs_lists_what_is_there(runs: Path, vaekit: Call) -> None:
    listed = vaekit("runs", runs, "--json").facts["runs"]
    assert {Path(row["run"]).name for row in listed} == set(KINDS)
    assert {row["state"] for row in listed} == {"finished"}
    assert {row["recipe"] for row in listed if Path(row["run"]).name == "table"} == {"vae"}
    out = vaekit("runs", runs).out
    assert all(kind in out for kind in KINDS)


def test_runs_of_nothing_says_how_to_begin(here: Path, vaekit: Call) -> None:
    done = vaekit("runs")
    assert done.code == 0
    assert "vaekit train" in done.out


def test_show_names_the_pictures(runs: Path, vaekit: Call) -> None:
    facts = vaekit("show", runs / "vae", "--json").facts
    assert facts["state"] == "finished"
    assert all(Path(path).exists() for path in facts["plots"])
    out = vaekit("show", runs / "vae").out
    assert "samples" in out
    assert "hidden 16" in out
    best = [row["epoch"] for row in Run(runs / "vae").metrics() if row["is_best"]]
    assert re.search(rf"best epoch +{best[-1]}\b", out)


def test_a_run_is_found_by_its_name(runs: Path, monkeypatch: pytest.MonkeyPatch, vaekit: Call) -> None:
    monkeypatch.chdir(runs.parent)
    (runs.parent / "runs").exists() or (runs.parent / "runs").symlink_to(runs)
    assert vaekit("show", "vae", "--json").facts["run"] == "runs/vae"


def test_check_says_what_would_be_trained_on(here: Path, vaekit: Call) -> None:
    done = vaekit("check", "digits", "--json", "--limit", 100, "-o", "digits.png")
    assert done.facts["parts"] == {"train": 100, "valid": 100, "test": 100}
    assert (here / "digits.png").exists()
    assert "Split" in vaekit("check", "digits").out


def test_info(vaekit: Call) -> None:
    facts = vaekit("info", "--json").facts
    assert facts["vaekit"] == vk.__version__
    assert {"ae", "vae", "conv"} <= set(facts["recipes"])
    assert "digits" in facts["data"]
    assert "recipe" in vaekit("info").out


def test_a_config_repeats_a_run_and_options_override_it(runs: Path, here: Path, vaekit: Call) -> None:
    config = runs / "vae" / "config.toml"
    same = vaekit("train", "--config", config, "--out", "same", "--quiet", "--json")
    assert same.facts["results"]["elbo"] == pytest.approx(Run.open(runs / "vae").results["elbo"], rel=1e-6)
    assert read_toml(here / "same" / "config.toml") == read_toml(config)
    other = vaekit("train", "--config", config, "--out", "other", "--quiet", "--latent", 2, "--seed", 5, "--json")
    assert other.code == 0, other.err
    changed = read_toml(here / "other" / "config.toml")
    assert (changed["recipe"]["latent"], changed["recipe"]["hidden"], changed["run"]["seed"]) == (2, 16, 5)


def test_none_survives_the_config(here: Path, vaekit: Call) -> None:
    """`conv` clips gradients; a run that was told not to does not when it is repeated either."""
    tiny = ["--width", 2, "--latent", 2, "--epochs", 1, "--limit", 50, "--batch-size", 25, "--quiet", "--json"]
    assert vaekit("train", "digits", "--clip-norm", "none", *tiny, "--out", "a").code == 0
    assert vaekit("train", "--config", "a/config.toml", "--quiet", "--out", "b", "--json").code == 0
    assert read_toml(here / "b" / "config.toml")["training"]["clip_norm"] == "none"


def test_an_output_is_replaced_only_when_told(runs: Path, here: Path, vaekit: Call, refused: Call) -> None:
    (here / "mine.npy").write_bytes(b"precious")
    assert "already exists" in refused("sample", runs / "vae", "-o", "mine.npy")
    assert (here / "mine.npy").read_bytes() == b"precious"
    assert vaekit("sample", runs / "vae", "-n", 2, "-o", "mine.npy", "--force").code == 0
    assert np.load("mine.npy").shape[0] == 2
    names = [vaekit("sample", runs / "vae", "--json").facts["output"] for _ in range(2)]
    assert names == ["vae-samples.png", "vae-samples-2.png"]


def test_a_folder_with_a_model_alone_serves_the_verbs_that_need_no_data(
    runs: Path, here: Path, vaekit: Call
) -> None:
    """config.json and model.safetensors, as somebody may send them."""
    alone = here / "alone"
    alone.mkdir()
    for name in ("config.json", "model.safetensors"):
        (alone / name).write_bytes((runs / "vae" / name).read_bytes())
    assert vaekit("sample", alone, "-n", 4, "-o", here / "new.npy").code == 0
    assert np.load(here / "new.npy").shape[0] == 4
    assert vaekit("show", alone).code == 0
    done = vaekit("evaluate", alone)
    assert done.code == 2
    assert "not what it was trained on" in done.err
    assert vaekit("train", "--resume", alone).code == 2
