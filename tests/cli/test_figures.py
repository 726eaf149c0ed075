"""evaluate and compare: groups of figures, pictures, protocols, and rankings that are refused."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from vaekit.cli.figures import FIGURES, groups_of, refusals, shown
from vaekit.errors import UserError

Call = Callable[..., Any]
PNG = b"\x89PNG\r\n"


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def test_groups_are_named_with_commas() -> None:
    assert groups_of("samples, latents,samples") == ("samples", "latents")
    assert groups_of("all") == tuple(FIGURES)
    with pytest.raises(UserError, match="Did you mean"):
        groups_of("likelyhood")
    with pytest.raises(UserError, match="one or more"):
        groups_of(",")


def test_evaluate_measures_what_it_is_asked_for(runs: Path, here: Path, vaekit: Call) -> None:
    done = vaekit("evaluate", runs / "vae", "--metrics", "likelihood,latents,samples", "-k", 7, "--bound", "--ais",
                  "--chains", 3, "--temperatures", 10, "--ais-limit", 5, "--num-new", 60, "--limit", 80, "-o", "seen",
                  "--json")  # fmt: skip
    assert done.code == 0, done.err
    facts = done.facts
    assert facts["bound"]["ks"] == [1, 5, 7]
    assert facts["protocol"]["part"] == "test"
    assert facts["protocol"]["num_samples"] == 7
    assert facts["ais"]["protocol"]["num_chains"] == 3
    assert facts["samples"]["protocol"]["features"] == "classifier"
    assert facts["samples"]["protocol"]["num_samples"] == 60
    assert 0 <= facts["latents"]["knn"] <= 1
    assert [Path(p).name for p in facts["outputs"]] == ["bound.png", "neighbours.png"]
    assert all((here / p).read_bytes()[:6] == PNG for p in facts["outputs"])
    json.dumps(facts, allow_nan=False)


def test_evaluate_shows_tables_with_their_protocols(runs: Path, here: Path, vaekit: Call) -> None:
    out = vaekit("evaluate", runs / "vae", "--metrics", "likelihood,samples", "-k", 2, "--bound", "--limit", 60,
                 "--num-new", 50, "--features", "pca", "--ais", "--chains", 2, "--temperatures", 4, "--ais-limit",
                 3).out  # fmt: skip
    for said in ("nll", "±", "[", "Protocol:", "FID", "by two routes", "features pca", "bound on log p(x)"):
        assert said in out


def test_latents_alone_leave_the_likelihood_out(runs: Path, vaekit: Call) -> None:
    facts = vaekit("evaluate", runs / "ae", "--metrics", "latents", "--limit", 50, "--json").facts
    assert "elbo" not in facts
    assert facts["latents"]["mutual_information"] is None


def test_what_cannot_be_measured_is_refused_in_a_sentence(runs: Path, here: Path, refused: Call) -> None:
    assert "no known factors" in refused("evaluate", runs / "vae", "--metrics", "disentanglement")
    assert "autoencoder" in refused("evaluate", runs / "ae", "--ais")
    assert "Did you mean" in refused("evaluate", runs / "vae", "--metrics", "sample")
    assert "at least 1" in refused("evaluate", runs / "vae", "--chains", 0)
    assert "no density" in refused("evaluate", runs / "vae", "--dequantize", "--limit", 5)
    assert "no labels" in refused(
        "evaluate", runs / "table", "--metrics", "samples", "--features", "classifier"
    )


def test_compare_marks_the_best_by_its_interval(runs: Path, here: Path, vaekit: Call) -> None:
    arguments = ("compare", runs / "vae", runs / "hvae", runs / "ae", "-k", 3, "--limit", 40)
    done = vaekit(*arguments, "-o", "three.png", "--json")
    facts = done.facts
    assert len(facts["runs"]) == 3
    assert set(facts["best"]) >= {"elbo", "nll", "mse", "frechet_pca64"}
    assert facts["not_ranked"] == {}
    better = min(facts["runs"][:2], key=lambda r: r["nll"])["name"]
    assert better in facts["best"]["nll"]
    assert (here / "three.png").read_bytes()[:6] == PNG
    out = vaekit(*arguments, "-o", "again.png").out
    assert " *" in out
    assert "best" in out


def test_compare_refuses_to_rank_other_protocols(
    runs: Path, tmp_path: Path, here: Path, vaekit: Call
) -> None:
    """The same data, split by another seed: the held-out examples are others."""
    other = tmp_path / "other"
    made = vaekit("train", "digits", "--epochs", 1, "--limit", 200, "--batch-size", 50, "--quiet", "--recipe", "vae",
                  "--hidden", 16, "--latent", 4, "--seed", 5, "--out", other, "--json")  # fmt: skip
    assert made.code == 0, made.err
    arguments = ("compare", runs / "vae", other, "-k", 2, "--limit", 30)
    facts = vaekit(*arguments, "-o", "a.png", "--json").facts
    assert facts["best"] == {}
    assert "examples" in facts["not_ranked"]["nll"]
    out = vaekit(*arguments, "-o", "b.png").out
    assert "Not ranked" in out
    assert "the examples" in out
    assert " *" not in out
    assert "±" in out, "the figures are shown all the same"


def test_compare_takes_groups(runs: Path, here: Path, vaekit: Call) -> None:
    facts = vaekit("compare", runs / "vae", runs / "ae", "--metrics", "samples,latents", "--num-new", 50, "--limit", 60,
                   "--features", "pca", "-o", "both.png", "--json").facts  # fmt: skip
    assert "nll" not in facts["runs"][0]
    assert "fid" in facts["best"]
    assert facts["runs"][0]["samples"]["protocol"] == facts["runs"][1]["samples"]["protocol"]


def test_figures_are_written_with_their_intervals() -> None:
    assert shown({"n": 3}, "n") == "3"
    assert (
        shown({"fid": 12.34, "fid_se": 0.5, "fid_interval": [11.2, 13.5]}, "fid")
        == "12.34 ± 0.50 [11.20, 13.50]"
    )
    assert refusals({"a": ["n"], "b": ["n"], "c": ["examples"]}) == [
        "Not ranked: a; b. The protocols differ in how many examples.",
        "Not ranked: c. The protocols differ in the examples.",
    ]
