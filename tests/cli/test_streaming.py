"""Verbs read and write any number of rows piece by piece, and what they write is the same."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import vaekit
from vaekit import api
from vaekit.cli import large_inputs, main, sink

pl = pytest.importorskip("polars", reason="needs polars, of vaekit[table]")
pytest.importorskip("pyarrow", reason="needs pyarrow, of vaekit[stream]")

OPTIONS = {"epochs": 1, "hidden": 8, "latent": 3, "batch_size": 50, "device": "cpu", "quiet": True}


def columns(number: int) -> dict[str, list]:
    random = np.random.default_rng(0)
    return {
        "age": random.integers(18, 80, number).tolist(),
        "city": random.choice(["Bonn", "Ulm"], number).tolist(),
        "income": random.normal(size=number).round(2).tolist(),
    }


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Runs on images and on a table, with new data for each, in one folder."""
    folder = tmp_path_factory.mktemp("streaming")
    pixels = np.random.default_rng(0).integers(0, 256, (700, 4, 4), dtype=np.uint8)
    np.save(folder / "new.npy", pixels)
    pl.DataFrame(columns(700)).write_parquet(folder / "new.parquet", row_group_size=150)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(api, "finish", lambda *args: None)
        np.save(folder / "x.npy", pixels[:200])
        vaekit.train(folder / "x.npy", recipe="vae", out=folder / "images", **OPTIONS)
        pl.DataFrame(columns(200)).write_csv(folder / "x.csv")
        vaekit.train(folder / "x.csv", recipe="table", out=folder / "table", num_components=2, **OPTIONS)
    return folder


@pytest.fixture
def in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes is large, and chunks and row groups are small."""
    monkeypatch.setattr(large_inputs, "LARGE", 100)
    monkeypatch.setattr(sink, "GROUP_ROWS", 300)
    monkeypatch.setattr("vaekit.data.stream.arrays.CHUNK_BYTES", 160)
    monkeypatch.setattr("vaekit.data.stream.part.KEPT_BYTES", 10)


def read(path: Path) -> np.ndarray:
    """The numbers in a file, by its suffix."""
    if path.suffix == ".npy":
        return np.load(path, allow_pickle=False)
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as content:
            return content["z"]
    frame = pl.read_csv(path) if path.suffix == ".csv" else pl.read_parquet(path)
    return frame.select(pl.selectors.numeric() & ~pl.selectors.by_name("index", require_all=False)).to_numpy()


def embedded(made: Path, run: str, new: str, out: Path) -> np.ndarray:
    assert main(["embed", str(made / run), str(made / new), "-o", str(out), "--device", "cpu"]) == 0
    return read(out)


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv", ".parquet"])
@pytest.mark.parametrize(("run", "new"), [("images", "new.npy"), ("table", "new.parquet")])
def test_codes_in_pieces_are_the_codes(made, tmp_path, run, new, suffix, request) -> None:
    at_once = embedded(made, run, new, tmp_path / "once.npy")
    request.getfixturevalue("in_pieces")
    np.testing.assert_allclose(embedded(made, run, new, tmp_path / f"pieces{suffix}"), at_once, atol=2e-6)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["once.npy", f"pieces{suffix}"]


def test_parquet_comes_in_row_groups(made, tmp_path, in_pieces) -> None:
    import pyarrow.parquet

    embedded(made, "images", "new.npy", tmp_path / "codes.parquet")
    found = pyarrow.parquet.ParquetFile(tmp_path / "codes.parquet")
    assert found.schema_arrow.names == ["index", "z_1", "z_2", "z_3"]
    assert [found.metadata.row_group(i).num_rows for i in range(found.metadata.num_row_groups)] == [512, 188]
    found.close()


def test_scores_in_pieces_are_the_scores(made, tmp_path, request) -> None:
    def scored(name: str) -> pl.DataFrame:
        arguments = ["detect", str(made / "table"), str(made / "new.parquet"), "-o", str(tmp_path / name)]
        assert main([*arguments, "--num-samples", "4", "--device", "cpu"]) == 0
        return pl.read_csv(tmp_path / name) if name.endswith("csv") else pl.read_parquet(tmp_path / name)

    at_once = scored("once.csv")
    request.getfixturevalue("in_pieces")
    in_pieces = scored("pieces.parquet")
    assert in_pieces.columns == at_once.columns == ["index", "score", "strangeness", "surprise", "because"]
    np.testing.assert_allclose(in_pieces["surprise"], at_once["surprise"], atol=2e-4)


@pytest.mark.parametrize(("run", "suffixes"), [("images", [".npy", ".csv"]), ("table", [".csv", ".parquet"])])
def test_samples_of_any_number(made, tmp_path, in_pieces, monkeypatch, run, suffixes) -> None:
    monkeypatch.setattr("vaekit.synthesis.CHUNK", 200)
    found = []
    for suffix in suffixes:
        out = tmp_path / f"new{suffix}"
        assert main(["sample", str(made / run), "-n", "1100", "-o", str(out), "--device", "cpu"]) == 0
        found.append(read(out).reshape(1100, -1))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-5)
    assert len(np.unique(found[0], axis=0)) > 500  # pieces do not repeat each other


def test_a_failure_on_the_way_leaves_nothing(made, tmp_path, in_pieces, capsys) -> None:
    values = np.random.default_rng(0).integers(0, 256, (700, 4, 5), dtype=np.uint8)
    np.save(tmp_path / "other.npy", values)
    out = tmp_path / "codes.npz"
    assert main(["embed", str(made / "images"), str(tmp_path / "other.npy"), "-o", str(out)]) == 2
    assert "have shape (1, 4, 5); this model takes (1, 4, 4)" in capsys.readouterr().err
    pixels = np.load(made / "new.npy")
    np.save(tmp_path / "0.npy", pixels)
    file = pl.DataFrame(columns(700))
    file.write_parquet(tmp_path / "cut.parquet", row_group_size=50)
    content = bytearray((tmp_path / "cut.parquet").read_bytes())
    content[len(content) // 4 : len(content) // 2] = bytes(len(content) // 2 - len(content) // 4)
    (tmp_path / "cut.parquet").write_bytes(content)
    assert main(["embed", str(made / "table"), str(tmp_path / "cut.parquet"), "-o", str(out)]) == 2
    assert "cut.parquet cannot be read any more" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["0.npy", "cut.parquet", "other.npy"]


def test_a_table_without_a_column_is_refused(made, tmp_path, in_pieces, capsys) -> None:
    pl.DataFrame(columns(700)).drop("city").write_parquet(tmp_path / "less.parquet")
    assert (
        main(["embed", str(made / "table"), str(tmp_path / "less.parquet"), "-o", str(tmp_path / "z.npy")])
        == 2
    )
    assert "lacks the column city that the model was trained on" in capsys.readouterr().err


def test_a_folder_of_arrays_is_an_input(made, tmp_path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    pixels = np.load(made / "new.npy")
    np.save(folder / "a.npy", pixels[:300])
    np.save(folder / "b.npy", pixels[300:])
    out = tmp_path / "z.npy"
    assert main(["embed", str(made / "images"), str(folder), "-o", str(out), "--device", "cpu"]) == 0
    np.testing.assert_allclose(
        read(out), embedded(made, "images", "new.npy", tmp_path / "one.npy"), atol=2e-6
    )


def test_a_streamed_run_is_evaluated_and_drawn(made, tmp_path, monkeypatch, capsys) -> None:
    """From `train` to `evaluate`: every figure and picture of a run on data in files."""
    monkeypatch.setattr("vaekit.data.stream.part.KEPT_BYTES", 160)
    arguments = ["--stream", "always", "--recipe", "vae", "--epochs", "1", "--hidden", "8", "--latent", "2"]
    assert main(["train", str(made / "new.npy"), *arguments, "--out", str(tmp_path / "run"), "--json"]) == 0
    assert "Streamed: 700 examples" in (tmp_path / "run" / "README.md").read_text()
    assert 'stream = "always"' in (tmp_path / "run" / "config.toml").read_text()
    capsys.readouterr()
    metrics = "likelihood,latents,samples"
    given = ["--metrics", metrics, "-k", "5", "--num-new", "100", "--features", "pca", "--json"]
    assert main(["evaluate", str(tmp_path / "run"), *given]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["n"] == 140
    assert facts["elbo"] < 0
    assert (
        main(["evaluate", str(tmp_path / "run"), "-k", "5", "--part", "train", "--limit", "50", "--json"])
        == 0
    )
    assert json.loads(capsys.readouterr().out)["n"] == 50
