"""Tables from end to end: train, sample with conditions, impute, detect, embed, on a small mixed table."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import vaekit as vk
from vaekit.cli import main
from vaekit.synthesis import parse_condition

pl = pytest.importorskip("polars", reason="needs polars, of vaekit[table]")

N = 400
TINY = ["--epochs", "25", "--hidden", "32", "--latent", "4", "--num-components", "4", "--batch-size", "100"]


def rows(number: int = N, seed: int = 0) -> dict[str, list]:
    """Income and city follow from age; a tenth of the cities is missing."""
    random = np.random.default_rng(seed)
    age = random.integers(18, 80, number)
    city = np.where(age > 50, "Bonn", random.choice(["Köln", "Ulm"], number)).astype(object)
    city[random.random(number) < 0.1] = None
    income = np.where(age > 65, 0.0, (age * 10 + random.normal(0, 5, number)).round(1))
    since = [
        f"20{y:02}-01-{d:02}" for y, d in zip(random.integers(10, 24, number), random.integers(1, 28, number))
    ]
    return {
        "id": list(range(number)),
        "age": age.tolist(),
        "city": city.tolist(),
        "income": income.tolist(),
        "since": since,
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a table and a run on it."""
    folder = tmp_path_factory.mktemp("tables")
    pl.DataFrame(rows()).write_csv(folder / "people.csv")
    code = main(
        ["train", str(folder / "people.csv"), *TINY, "--out", str(folder / "run"), "--quiet", "--json"]
    )
    assert code == 0
    return folder


def test_a_run_of_a_table_has_its_prior_figures_and_pictures(made: Path) -> None:
    run = vk.Run(made / "run")
    assert type(run.load_model().prior).__name__ == "MixturePrior"
    assert run.config["recipe"]["name"] == "table"
    assert 0 < run.results["shape_error"] < 0.5
    assert 0 < run.results["trend_error"] < 0.5
    pictures = {path.stem for path in (run.path / "plots").iterdir()}
    assert {"marginals", "dependence", "latent", "curves"} <= pictures
    assert "marginals.png" in (run.path / "README.md").read_text(encoding="utf-8")


def test_resuming_a_finished_run_fits_the_same_prior_again(made: Path, vaekit) -> None:
    before = (made / "run" / "model.safetensors").read_bytes()
    assert vaekit("train", "--resume", made / "run", "--quiet").code == 0
    assert (made / "run" / "model.safetensors").read_bytes() == before


def test_samples_have_the_columns_types_ranges_and_categories_of_the_data(
    made: Path, vaekit, here: Path
) -> None:
    assert vaekit("sample", made / "run", "-n", 500, "-o", "new.csv").code == 0
    new, real = pl.read_csv("new.csv"), pl.read_csv(made / "people.csv").drop("id")
    assert (new.columns, new.dtypes) == (real.columns, real.dtypes)
    assert len(new) == 500
    for name in ("age", "income"):
        assert real[name].min() <= new[name].min() <= new[name].max() <= real[name].max()
    assert set(new["city"].drop_nulls()) <= set(real["city"].drop_nulls())
    assert 0.02 < new["city"].null_count() / 500 < 0.25
    assert new["since"].str.to_date("%Y-%m-%d").null_count() == 0
    assert vaekit("sample", made / "run", "-n", 500, "-o", "again.csv").code == 0
    assert Path("again.csv").read_bytes() == Path("new.csv").read_bytes()


def test_where_is_met_by_every_row(made: Path, vaekit, here: Path) -> None:
    done = vaekit(
        "sample",
        made / "run",
        "-n",
        50,
        "--where",
        "city=Ulm",
        "--where",
        "age<=40",
        "--complete",
        "-o",
        "w.parquet",
        "--json",
    )
    assert done.facts["where"] == ["city=Ulm", "age<=40"]
    new = pl.read_parquet("w.parquet")
    assert new["city"].to_list() == ["Ulm"] * 50
    assert new["age"].max() <= 40
    assert sum(new.null_count().row(0)) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--where", "town=Ulm"], "names no column"),
        (["--where", "city=Ulma"], 'no category "Ulma". Did you mean "Ulm"'),
        (["--where", "city>Ulm"], "have no order"),
        (["--where", "age"], "has no ="),
        (["--where", "age=old"], "holds integer values"),
        (["--label", "Ulm"], "use --where"),
        (["-n", "0"], "at least 1"),
        (["-o", "x.png"], "suffix"),
    ],
)
def test_bad_requests_are_refused(made: Path, refused, here: Path, options: list[str], message: str) -> None:
    assert message in refused("sample", made / "run", *options)


def test_an_equals_sign_may_begin_a_category() -> None:
    schema = vk.Schema(
        "table", (1,), columns=(vk.schema.Column("income", "binary", categories=("<=50K", ">50K")),)
    )  # fmt: skip
    assert parse_condition("income=>50K", schema)(np.array([[0.0], [1.0], [np.nan]])).tolist() == [
        False,
        True,
        False,
    ]
    assert parse_condition("income=<=50K", schema)(np.array([[0.0], [1.0]])).tolist() == [True, False]


def test_impute_fills_holes_and_changes_nothing_else(made: Path, vaekit, here: Path) -> None:
    table = pl.DataFrame(rows(40, seed=1))
    text = table.with_columns(pl.col("age").cast(pl.String)).with_columns(
        pl.when(pl.arange(0, 40) % 4 == 0).then(pl.lit("?")).otherwise("age").alias("age"),
        pl.lit("x, y").alias("note"),
    )
    text.write_csv("holes.csv")
    done = vaekit("impute", made / "run", "holes.csv", "-o", "filled.csv", "--draws", 20, "--json")
    assert done.facts["filled_by_column"] == {"age": 10, "city": table["city"].null_count()}
    filled = pl.read_csv("filled.csv")
    assert filled.columns == text.columns
    assert sum(filled.null_count().row(0)) == 0
    for name in ("id", "income", "since", "note"):
        assert filled[name].to_list() == text[name].to_list()
    assert filled["age"].dtype == pl.Int64
    kept = [i for i in range(40) if i % 4]
    assert filled["age"].gather(kept).to_list() == table["age"].gather(kept).to_list()


def test_multiple_imputations_come_with_their_uncertainty(made: Path, vaekit, here: Path) -> None:
    table = pl.DataFrame(rows(40, seed=2)).with_columns(pl.lit(None, pl.Int64).alias("age"))
    table.write_csv("holes.csv")
    assert (
        vaekit("impute", made / "run", "holes.csv", "-o", "m.csv", "--multiple", 3, "--draws", 40).code == 0
    )
    made_rows = pl.read_csv("m.csv")
    assert made_rows["imputation"].to_list() == [1] * 40 + [2] * 40 + [3] * 40
    assert (made_rows["age_low"] <= made_rows["age_high"]).all()
    shares = made_rows["city_probability"].drop_nulls()
    assert len(shares) == 3 * table["city"].null_count()
    assert shares.is_between(0, 1).all()
    assert made_rows["age"].n_unique() > 5


def test_intervals_are_calibrated_where_the_validation_rows_are_at_hand(
    made: Path, vaekit, here: Path
) -> None:
    table = pl.DataFrame(rows(40, seed=2)).with_columns(pl.lit(None, pl.Float64).alias("income"))
    table.write_csv("holes.csv")
    shutil.copytree(made / "run", "alone")
    (Path("alone") / "config.toml").unlink()
    ask = ("holes.csv", "--multiple", 1, "--draws", 40, "--json")
    with_rows = vaekit("impute", made / "run", *ask, "-o", "a.csv").facts
    without = vaekit("impute", "alone", *ask, "-o", "b.csv").facts
    assert not any("calibrate" in note for note in with_rows["notes"])
    assert any("calibrate" in note for note in without["notes"])
    a, b = pl.read_csv("a.csv"), pl.read_csv("b.csv")
    assert a["income"].to_list() == b["income"].to_list(), "the draws are the same"


def test_detect_is_repeatable_calibrated_and_names_the_columns(made: Path, vaekit, here: Path) -> None:
    table = pl.DataFrame(rows(200, seed=3))
    odd = table.head(3).with_columns(pl.lit(25, pl.Int64).alias("age"), pl.lit(790.0).alias("income"))
    pl.concat([table, odd]).write_csv("new.csv")
    for name in ("a.csv", "b.csv"):
        assert vaekit("detect", made / "run", "new.csv", "-o", name).code == 0
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()
    scores = pl.read_csv("a.csv")
    assert scores.columns == ["index", "score", "strangeness", "surprise", "because"]
    assert 0.35 < scores["score"].head(200).mean() < 0.65, "ordinary rows are spread over the training part"
    assert scores["score"].tail(3).min() > 0.95
    assert all("income" in text or "age" in text for text in scores["because"].tail(3))


def test_embed_and_refusals(made: Path, vaekit, refused, here: Path) -> None:
    assert vaekit("embed", made / "run", made / "people.csv", "-o", "codes.csv").code == 0
    assert pl.read_csv("codes.csv").shape == (N, 5)
    pl.DataFrame(rows(9)).drop("age").write_csv("less.csv")
    assert "lacks the column age" in refused("embed", made / "run", "less.csv", "-o", "c.csv")
    assert "impute" in refused("reconstruct", made / "run", "-o", "c.csv")
    assert "is no table" in refused("detect", made / "run", made / "run" / "model.safetensors", "-o", "c.csv")


def test_check_lists_the_columns(made: Path, vaekit, here: Path) -> None:
    facts = vaekit("check", made / "people.csv", "-o", "data.png", "--json").facts
    assert {c["name"]: c["kind"] for c in facts["columns"]} == {
        "age": "integer", "city": "categorical", "income": "continuous", "since": "datetime",
    }  # fmt: skip
    assert Path("data.png").stat().st_size > 1000
    assert "left out" in json.dumps(facts["notes"])
    shown = vaekit("check", made / "people.csv").out
    assert "Bonn, Köln, Ulm" in shown


def test_images_and_arrays_are_detected_too(runs: Path, vaekit, here: Path) -> None:
    for name in ("vae", "ae", "hvae", "vqvae", "cond", "table"):
        assert vaekit("detect", runs / name, "-o", f"{name}.csv").code == 0
        scores = pl.read_csv(f"{name}.csv")
        assert scores["score"].is_between(0, 1).all()
    assert "because" in scores.columns


def test_a_conditional_run_scores_examples_without_labels(runs: Path, vaekit, here: Path) -> None:
    test = vk.Run(runs / "cond").load_data().test
    np.save("new.npy", test.raw.numpy())
    assert vaekit("detect", runs / "cond", "new.npy", "-o", "a.csv").code == 0
    scores = pl.read_csv("a.csv")
    assert len(scores) == len(test)
    assert "label" not in scores.columns
    assert scores["strangeness"].is_finite().all()
