"""Tables: what is inferred, what is refused, what is left out with a word, and memory that stays bounded."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from vaekit import Schema, UserError, open_data

pl = pytest.importorskip("polars", reason="needs polars, of vaekit[table]")

from vaekit.data.frames import read_frame  # noqa: E402
from vaekit.data.table_text import to_frame, to_raw  # noqa: E402
from vaekit.data.tables import read_rows  # noqa: E402

N = 60


def lines(**columns: list) -> list[str]:
    return [",".join(columns), *(",".join(map(str, cells)) for cells in zip(*columns.values()))]


def mixed() -> dict[str, list]:
    """A column of each kind."""
    random = np.random.default_rng(0)
    return {
        "height": [f"{v:.2f}" for v in random.normal(170, 9, N)],
        "year": random.integers(1950, 2000, N).tolist(),
        "children": random.integers(0, 5, N).tolist(),
        "smokes": random.choice(["yes", "no"], N).tolist(),
        "city": random.choice(["Bonn", "Köln", "Ulm"], N).tolist(),
        "level": random.choice(["low", "high", "medium"], N).tolist(),
        "seen": [f"2024-{m:02}-{d:02}" for m, d in zip(random.integers(1, 12, N), random.integers(1, 28, N))],
    }


def write(path: Path, rows: list[str], encoding: str = "utf-8") -> Path:
    path.write_bytes(("\n".join(rows) + "\n").encode(encoding))
    return path


def kinds(schema: Schema) -> dict[str, str]:
    return {column.name: column.kind for column in schema.columns}


EXPECTED = {
    "height": "continuous", "year": "integer", "children": "count", "smokes": "binary", "city": "categorical",
    "level": "categorical", "seen": "datetime",
}  # fmt: skip


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1"])
def test_kinds_are_inferred_by_any_delimiter_and_encoding(
    tmp_path: Path, delimiter: str, encoding: str
) -> None:
    rows = [line.replace(",", delimiter) for line in lines(**mixed())]
    dataset = open_data(write(tmp_path / "t.csv", rows, encoding))
    assert kinds(dataset.schema) == EXPECTED
    assert dataset.schema.columns[4].categories == ("Bonn", "Köln", "Ulm")
    assert dataset.schema.kind == "table"
    assert dataset.schema.shape == (7,)


def test_gzip_parquet_polars_and_pandas_read_alike(tmp_path: Path) -> None:
    plain = write(tmp_path / "t.csv", lines(**mixed()))
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(plain.read_bytes()))
    frame = pl.read_csv(plain, try_parse_dates=True)
    frame.write_parquet(tmp_path / "t.parquet")
    pandas = pytest.importorskip("pandas")
    expected = open_data(plain)
    for data in (tmp_path / "t.csv.gz", tmp_path / "t.parquet", frame, pandas.read_csv(plain)):
        dataset = open_data(data)
        assert kinds(dataset.schema) == EXPECTED
        assert torch.equal(dataset.train.raw, expected.train.raw)


def test_a_schema_survives_json_and_raw_values_go_back_to_text(tmp_path: Path) -> None:
    columns = mixed()
    dataset = open_data(write(tmp_path / "t.csv", lines(**columns)), test=0, valid=0)
    again = Schema.from_dict(json.loads(json.dumps(dataset.schema.to_dict())))
    assert again == dataset.schema
    x, _ = dataset.train.batch(torch.arange(N))
    assert x.dtype == torch.float32
    frame = to_frame(to_raw(x, again), again)
    for name, cells in columns.items():
        assert [str(v) if name != "height" else f"{v:.2f}" for v in frame[name].to_list()] == [
            str(c) for c in cells
        ]


def test_missing_cells_are_kept_and_counted(tmp_path: Path) -> None:
    columns = mixed()
    columns["year"][:4] = ["NA", "", "?", "nan"]
    dataset = open_data(write(tmp_path / "t.csv", lines(**columns)), test=0, valid=0)
    assert dataset.train.raw[:, 1].isnan().nonzero().flatten().tolist() == [0, 1, 2, 3]
    assert dataset.train.batch(torch.arange(6))[0][:, 1].isnan().tolist() == [True] * 4 + [False] * 2
    assert dataset.schema.columns[1].missing == pytest.approx(4 / N)
    (note,) = [n for n in dataset.notes if "missing" in n]
    assert "4 of 420 cells" in note
    for text in ("1 empty", "1 NA", "1 ?", "1 nan"):
        assert text in note


def test_types_can_be_said(tmp_path: Path) -> None:
    path = write(tmp_path / "t.csv", lines(**mixed()))
    types = "year=continuous,level=ordinal(low<medium<high),city=skip,children=categorical"
    dataset = open_data(path, types=types)
    found = kinds(dataset.schema)
    assert (found["year"], found["level"], found["children"]) == ("continuous", "ordinal", "categorical")
    assert "city" not in found
    level = next(c for c in dataset.schema.columns if c.name == "level")
    assert level.categories == ("low", "medium", "high")
    assert dataset.source["types"] == types
    with pytest.raises(UserError, match=r'no column "yaer"\. Did you mean "year"'):
        open_data(path, types="yaer=integer")
    with pytest.raises(UserError, match=r'no kind "integr".*Did you mean "integer"'):
        open_data(path, types="year=integr")
    with pytest.raises(UserError, match=r"height.*no integer"):
        open_data(path, types="height=integer")
    with pytest.raises(UserError, match="types names the columns of a table"):
        open_data(np.zeros((9, 2)), types="a=integer")


def test_ids_constant_and_empty_columns_are_left_out_with_a_word(tmp_path: Path) -> None:
    columns = mixed() | {
        "id": list(range(1000, 1000 + N)), "name": [f"person {i}" for i in range(N)], "one": [7] * N,
        "none": ["NA"] * N,
    }  # fmt: skip
    dataset = open_data(write(tmp_path / "t.csv", lines(**columns)))
    assert kinds(dataset.schema) == EXPECTED
    said = " ".join(dataset.notes)
    for text in ('"id" is left out: all of its 60 whole numbers differ',
                 '"name" is left out: all of its 60 texts differ',
                 '"one" is left out: it is "7" in every row', '"none" is left out: every cell is missing'):  # fmt: skip
        assert text in said
    kept = open_data(tmp_path / "t.csv", types="id=integer")
    assert kinds(kept.schema)["id"] == "integer"


def test_a_category_unseen_in_training_is_missing_with_a_note(tmp_path: Path) -> None:
    columns = mixed()
    dataset = open_data(write(tmp_path / "t.csv", lines(**columns)), test=0, valid=0)
    columns["city"][0], columns["level"][1] = "Rom", "extreme"
    raw, notes, _ = read_rows(write(tmp_path / "new.csv", lines(**columns)), dataset.schema)
    assert np.isnan(raw[0, 4])
    assert np.isnan(raw[1, 5])
    assert np.isnan(raw).sum() == 2
    assert 'Column "city": 1 cell holds no category that the model knows ("Rom") and counts as missing.' in notes[0]
    rare = mixed()
    rare["city"] = ["Bonn", "Ulm"] * (N // 2)
    rare["city"][3] = "Aachen"
    for seed in range(9):  # in some splits the only Aachen is in the test part
        dataset = open_data(write(tmp_path / "r.csv", lines(**rare)), seed=seed)
        city = dataset.schema.columns[4]
        if "Aachen" not in city.categories:
            assert any("Aachen" in note and "unknown to the training part" in note for note in dataset.notes)
            break
    else:
        pytest.fail("no split left Aachen out")


def test_new_rows_are_read_by_name_in_any_order(tmp_path: Path) -> None:
    columns = mixed()
    dataset = open_data(write(tmp_path / "t.csv", lines(**columns)), test=0, valid=0)
    turned = {"extra": list(range(N)), **dict(reversed(columns.items()))}
    raw, _, _ = read_rows(write(tmp_path / "new.csv", lines(**turned)), dataset.schema)
    assert np.array_equal(raw, dataset.train.raw.numpy())
    del turned["year"]
    with pytest.raises(UserError, match="lacks the column year"):
        read_rows(write(tmp_path / "less.csv", lines(**turned)), dataset.schema)


def test_dates_in_two_formats_are_each_read(tmp_path: Path) -> None:
    columns = mixed()
    plain = open_data(write(tmp_path / "a.csv", lines(**columns)), test=0, valid=0).train.raw
    columns["seen"][:10] = [f"{d[8:]}.{d[5:7]}.{d[:4]}" for d in columns["seen"][:10]]
    dataset = open_data(write(tmp_path / "b.csv", lines(**columns)), test=0, valid=0)
    assert torch.equal(dataset.train.raw, plain)
    assert dataset.schema.columns[-1].format == "%Y-%m-%d"
    assert any("several formats" in note for note in dataset.notes)
    columns["seen"] = ["13/01/2024", "01/14/2024"] * (N // 2)
    with pytest.raises(UserError, match="day/month/year and as month/day/year"):
        open_data(write(tmp_path / "c.csv", lines(**columns)))


BAD: dict[str, tuple[list[str], str]] = {
    "ragged": (["a,b", *["1,2"] * 5, "1,2,3", "4,5"], r"line 7: 3 fields where the header has 2"),
    "short": (["a,b,c", *["1,2,3"] * 5, "1,2", "4,5,6"], r"line 7: 2 fields where the header has 3"),
    "delimiter": (["a:b", "1:2", "3:4"], r"single column by every delimiter tried \(comma"),
    "duplicate": (["a,b,a", "1,2,3", "3,4,5"], r'2 columns called "a"'),
    "huge": (["a,b", *[f"{i % 7},{i % 3}" for i in range(30)], "1e400,1"], r'"a", row 31: 1e400 is beyond every'),
    "texts": (["a,b", *[f"{i / 7},{i % 3}" for i in range(60)], "abc,1"], r'numbers and 1 text, "abc" for example'),
    "return": (["a,b\r", *["1,2\r"] * 5, "1,2\r3", "4,5\r"], "line 8: 1 field where the header has 2"),
    "empty": ([""], "is empty"),
    "no rows": (["a,b"], "a header and no rows"),
    "nothing": (["a,b", *["1,x"] * 9], "No column of 2 is left to learn from. For example: Column \"b\" is left out"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_bad_input_is_one_sentence(tmp_path: Path, name: str) -> None:
    rows, message = BAD[name]
    with pytest.raises(UserError, match=message):
        open_data(write(tmp_path / "t.csv", rows))


def test_a_nameless_column_and_a_file_without_a_header_get_names(tmp_path: Path) -> None:
    columns = mixed()
    rows = lines(**columns)
    rows[0] = rows[0].replace("height", "")
    dataset = open_data(write(tmp_path / "t.csv", rows))
    assert dataset.schema.columns[0].name == "column_1"
    assert any("Column 1 has no name" in note for note in dataset.notes)
    numbers = [f"{i % 5}.5,{i % 3},{i % 4}" for i in range(30)]
    dataset = open_data(write(tmp_path / "n.csv", numbers), test=0, valid=0)
    assert [c.name for c in dataset.schema.columns] == ["column_1", "column_2", "column_3"]
    assert len(dataset.train) == 30


def test_damaged_files_are_one_sentence(tmp_path: Path) -> None:
    content = gzip.compress("\n".join(lines(**mixed())).encode())
    (tmp_path / "t.csv.gz").write_bytes(content[: len(content) // 2])
    (tmp_path / "t.parquet").write_bytes(b"PAR1 nothing")
    (tmp_path / "u.csv").write_bytes("a,b\n1,2\n".encode("utf-16"))
    with pytest.raises(UserError, match="cut off or damaged"):
        open_data(tmp_path / "t.csv.gz")
    with pytest.raises(UserError, match="no Parquet file"):
        open_data(tmp_path / "t.parquet")
    with pytest.raises(UserError, match="UTF-16"):
        open_data(tmp_path / "u.csv")


def test_a_table_beyond_the_limit_is_sampled_and_says_so(tmp_path: Path) -> None:
    rows = [f"{i},{i % 7},{i % 3}" for i in range(20_000)]
    path = write(tmp_path / "t.csv", ["a,b,c", *rows])
    frame, notes, _ = read_frame(path, max_cells=6000)
    assert 1800 < len(frame) < 2200
    assert "20,000 rows" in notes[0]
    values = frame["a"].cast(pl.Int64).to_numpy()
    assert abs(values.mean() - 10_000) < 500, "from the whole file, not its head"
    assert np.array_equal(read_frame(path, max_cells=6000)[0]["a"].to_numpy(), frame["a"].to_numpy())
    assert read_frame(path, max_cells=6000, seed=1)[0]["a"].to_list() != frame["a"].to_list()


@pytest.mark.parametrize("form", ["plain", "windows", "latin-1", "marked", "packed", "open end"])
def test_a_sample_is_the_same_lines_whether_they_are_told_apart_by_blocks_or_by_fields(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    rows = [f"{i},{'Köln' if i % 7 else ''},{i % 3}.5" for i in range(9000)]
    text = "\n".join(["a,b,c", *rows]) + ("" if form == "open end" else "\n")
    text = text.replace("\n", "\r\n") if form == "windows" else text
    encoding = {"latin-1": "latin-1", "marked": "utf-8-sig"}.get(form, "utf-8")
    content = text.encode(encoding)
    path = tmp_path / ("t.csv.gz" if form == "packed" else "t.csv")
    path.write_bytes(gzip.compress(content) if form == "packed" else content)
    quoted = write(tmp_path / "quoted.csv", ["a,b,c", *rows[:-1], f'"{rows[-1].replace(",", chr(34) + ",", 1)}'])
    by_fields = read_frame(quoted, max_cells=6000)[0]
    monkeypatch.setattr("vaekit.data.bare_lines.BLOCK", 1000)
    monkeypatch.setattr("vaekit.data.frames.records", None)  # not asked where there are no quotes
    by_blocks = read_frame(path, max_cells=6000)[0]
    assert 1800 < len(by_blocks) < 2200
    assert by_blocks.equals(by_fields)


def test_quoted_fields_may_hold_delimiters_and_line_breaks(tmp_path: Path) -> None:
    columns = mixed()
    columns["city"] = ['"Bonn, Bad Godesberg"', '"a\nb"', '"say ""x"""'] * (N // 3)
    dataset = open_data(write(tmp_path / "t.csv", lines(**columns)))
    assert dataset.schema.columns[4].categories == ("Bonn, Bad Godesberg", "a\nb", 'say "x"')


def test_numbers_that_repeat_are_special(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    gain = np.where(random.random(800) < 0.6, 0.0, np.exp(random.normal(5, 1, 800)).round(3))
    dataset = open_data(write(tmp_path / "t.csv", lines(gain=gain.tolist(), b=[i % 3 for i in range(800)])))
    column = dataset.schema.columns[0]
    assert column.specials == (0.0,)
    assert min(column.knots) > 0
    assert np.all(np.diff(column.knots) > 0)
    assert np.all(np.diff(column.scores) > 0)
    assert dataset.schema.columns[1].specials == (0.0, 1.0, 2.0)


def test_adult_has_its_official_split(data_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not (data_folder / "adult").is_dir():
        pytest.skip("VAEKIT_DATA has no adult")
    monkeypatch.setenv("VAEKIT_DATA", str(data_folder))
    dataset = open_data("adult", valid=0)
    assert (len(dataset.train), len(dataset.test)) == (32_561, 16_281)
    assert len(dataset.schema.columns) == 15
    income = dataset.schema.columns[-1]
    assert (income.name, income.kind, income.categories) == ("income", "binary", ("<=50K", ">50K"))
    assert int(dataset.train.raw[:, -1].sum()) == 7841
    assert int(dataset.train.raw.isnan().sum() + dataset.test.raw.isnan().sum()) == 6465
    facts = json.loads(json.dumps(dataset.describe()))
    assert {c["name"]: c["missing"] for c in facts["columns"] if c["missing"]} == {
        "workclass": 2799, "occupation": 2809, "native-country": 857,
    }  # fmt: skip


@pytest.mark.parametrize("package", ["polars", "narwhals"])
def test_a_missing_extra_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    frame = pl.DataFrame(mixed())
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UserError, match=rf"{package}, which is not installed: pip install 'vaekit\[table\]'"):
        open_data(frame)
