"""Data in files reads like data in memory: the same examples, parts and batches, in bounded memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import wave

import numpy as np
import pytest
import torch
from PIL import Image

import vaekit.data.stream.arrays as arrays
import vaekit.data.stream.order as orders
from vaekit.data import open_data
from vaekit.data.stream import choose
from vaekit.data.stream.order import Order
from vaekit.data.stream.part import StreamedPart
from vaekit.data.stream.window import Window
from vaekit.errors import DataLostError, UserError


@pytest.fixture
def small_chunks(monkeypatch):
    """Chunks of a few rows and windows of a few chunks, so that small data has many of both."""
    monkeypatch.setattr(arrays, "CHUNK_BYTES", 5 * 16)
    monkeypatch.setattr(orders, "WINDOW_BYTES", 50 * 16)


def images(count, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (count, 4, 4), dtype=np.uint8)


@pytest.fixture
def shards(tmp_path):
    """Three files of 4x4 images, 400 in all."""
    folder = tmp_path / "shards"
    folder.mkdir()
    for i, count in enumerate((173, 27, 200)):
        np.save(folder / f"{i}.npy", images(count, i))
    return folder


def walk(part, seed=0, size=16, *, ahead=True):
    """One epoch's batches."""
    batches = part.order(torch.Generator().manual_seed(seed)).split(size)
    return [part.batch(index)[0] for index in (part.ahead(batches) if ahead else batches)]


def equal_parts(first, second):
    assert first.parts.keys() == second.parts.keys()
    for name, part in first.parts.items():
        pairs = zip(part.batches(16), second.parts[name].batches(16), strict=True)
        for (x, y), (other_x, other_y) in pairs:
            torch.testing.assert_close(x, other_x, rtol=0, atol=0, equal_nan=True)
            assert (y is None) == (other_y is None)
            assert y is None or torch.equal(y, other_y)


# The order of an epoch.


def test_an_order_visits_every_position_once_and_slices_agree():
    ends = np.cumsum([0, 3, 0, 5, 1, 4, 4, 2])
    order = Order(ends, 2, torch.Generator().manual_seed(1))
    whole = order[0 : len(order)]
    assert whole.sort().values.tolist() == list(range(19))
    assert torch.equal(torch.cat(list(order.split(4))), whole)
    assert torch.equal(torch.cat(list(order.split(4)[3:])), whole[12:])
    assert len(order.split(4)) == 5
    assert len(order.split(4)[3:]) == 2
    assert torch.equal(whole, Order(ends, 2, torch.Generator().manual_seed(1))[0:19])
    assert not torch.equal(whole, Order(ends, 2, torch.Generator().manual_seed(2))[0:19])


def test_an_order_mixes_the_rows_of_a_window_and_no_others():
    ends = np.arange(0, 1010, 10)
    order = Order(ends, 5, torch.Generator().manual_seed(0))
    for k in range(20):
        chunks = order[50 * k : 50 * (k + 1)] // 10
        assert len(chunks.unique()) == 5
        assert len(chunks[:10].unique()) > 2  # mixed, not one after another


def test_chunks_of_one_row_make_a_full_permutation():
    order = Order(np.arange(2001), 50, torch.Generator().manual_seed(0))
    places = order[0:2000].double()
    steps = torch.arange(2000).double()
    assert abs(float(torch.corrcoef(torch.stack([places, steps]))[0, 1])) < 0.1


# Arrays.


def test_a_streamed_array_has_the_parts_and_values_of_a_resident_one(shards, small_chunks):
    streamed, resident = open_data(shards, stream="always"), open_data(shards, stream="never")
    assert isinstance(streamed.train, StreamedPart)
    assert resident.train.is_held
    assert streamed.schema == resident.schema
    assert streamed.split == resident.split
    equal_parts(streamed, resident)


def test_reading_ahead_changes_nothing(shards, small_chunks):
    part = open_data(shards, stream="always").train
    for one, other in zip(walk(part), walk(part, ahead=False), strict=True):
        assert torch.equal(one, other)


def test_a_window_holds_no_more_than_its_slots(shards, small_chunks):
    part = open_data(shards, stream="always").train
    window, slots = Window(part.rows), 2 * orders.chunks_of_window(part.rows.ends, 16)
    assert len(part.rows.starts) - 1 == 81
    assert slots == 28  # 50 rows in a window, 3.5 training rows in a chunk
    assert len(window.values) == slots * 5
    for index in window.ahead(part.order(torch.Generator().manual_seed(0)).split(16)):
        assert window.read(index) is not None
        assert int((window.slots >= 0).sum()) + len(window.free) == slots
    assert len(window.free) == slots


def test_floats_are_standardized_and_labels_kept(tmp_path, small_chunks):
    values = np.random.default_rng(0).normal(3, 2, (300, 4)).astype(np.float32)
    labels = np.arange(300) % 3
    np.save(tmp_path / "x.npy", values)
    np.save(tmp_path / "y.npy", labels)
    streamed = open_data(tmp_path / "x.npy", stream="always", labels=str(tmp_path / "y.npy"))
    resident = open_data(tmp_path / "x.npy", labels=str(tmp_path / "y.npy"))
    assert streamed.schema.label_names == ("0", "1", "2")
    equal_parts(streamed, resident)  # so small an array is its own sample


def test_folders_of_parts_are_the_parts(tmp_path):
    for name, count in (("train", 40), ("test", 10)):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / "x.npy", images(count, count))
    for stream in ("always", "never"):
        data = open_data(tmp_path, stream=stream, valid=8)
        assert [len(part) for part in data.parts.values()] == [32, 8, 10]
        x = torch.cat([x for x, _ in data.test.batches(4)])
        assert torch.equal((x * 255).round().byte().squeeze(1), torch.from_numpy(images(10, 10)))


def test_dynamic_binarization_draws_what_resident_data_draws(shards):
    streamed = open_data(shards, stream="always", binarize="dynamic")
    equal_parts(streamed, open_data(shards, binarize="dynamic"))
    with pytest.raises(UserError, match="static"):
        open_data(shards, stream="always", binarize="static")


def test_large_data_streams_by_itself_and_says_so(shards, monkeypatch):
    assert not open_data(shards).streamed
    monkeypatch.setattr(choose, "memory", lambda: 10_000)
    data = open_data(shards)
    assert data.streamed.startswith("Streamed: 400 examples")
    assert data.source["stream"] == "always"
    assert data.describe()["streamed"]
    again = open_data(**{k: v for k, v in data.source.items() if v is not None})
    equal_parts(data, again)


def test_a_large_subset_stays_in_its_files(shards, monkeypatch):
    monkeypatch.setattr("vaekit.data.stream.part.KEPT_BYTES", 160)
    part = open_data(shards, stream="always").train
    index = torch.arange(0, len(part), 3)
    few, held = part.take(index), part.take(index[:5])
    assert isinstance(few, StreamedPart)
    assert held.is_held
    assert torch.equal(few.batch(torch.arange(len(few)))[0], part.batch(index)[0])
    assert torch.equal(few.take(torch.tensor([4, 1])).raw, part.read(index[[4, 1]]))
    assert len(part.in_memory(1000)) == 10


def test_the_fingerprint_follows_the_values(shards):
    from vaekit.training.checks import fingerprint

    before = fingerprint(open_data(shards, stream="always").train)
    assert before == fingerprint(open_data(shards, stream="always").train)
    np.save(shards / "2.npy", images(200, 99))
    assert before != fingerprint(open_data(shards, stream="always").train)


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (images(5).astype(np.float32), "2.npy holds float32"),
        (np.zeros((5, 4, 5), np.uint8), r"2.npy holds uint8 of shape \(5, 4, 5\)"),
        (np.asfortranarray(images(5)), "column by column"),
    ],
)
def test_shards_that_differ_are_refused_by_name(shards, values, sentence):
    np.save(shards / "2.npy", values)
    with pytest.raises(UserError, match=sentence):
        open_data(shards)


def test_a_damaged_header_is_refused(shards):
    content = (shards / "1.npy").read_bytes()
    (shards / "1.npy").write_bytes(content[:-7])
    with pytest.raises(UserError, match=r"1\.npy has .* bytes where its header"):
        open_data(shards)
    (shards / "1.npy").write_bytes(b"nonsense")
    with pytest.raises(UserError, match=r"1\.npy is cut off, damaged or no \.npy file"):
        open_data(shards)


@pytest.mark.parametrize("harm", ["gone", "cut"])
def test_a_file_that_is_lost_on_the_way_is_named(shards, small_chunks, harm):
    part = open_data(shards, stream="always").train
    if harm == "gone":
        (shards / "2.npy").unlink()
    else:
        os.truncate(shards / "2.npy", 500)
    with pytest.raises(DataLostError, match=r"2\.npy cannot be read any more"):
        walk(part)


def test_values_of_another_kind_than_the_sample_are_refused(tmp_path, monkeypatch, small_chunks):
    monkeypatch.setattr(arrays, "SAMPLE_BYTES", 160)
    monkeypatch.setattr(arrays, "SAMPLE_CHUNKS", 2)
    values = np.random.default_rng(0).normal(size=(500, 4)).astype(np.float32)
    values[333, 2] = np.nan
    np.save(tmp_path / "x.npy", values)

    def read():
        data = open_data(tmp_path / "x.npy", stream="always")
        return [x for part in data.parts.values() for x, _ in part.batches(8)]

    with pytest.raises(UserError, match=r"x\.npy holds nan, where a sample of the data holds finite numbers"):
        read()


def test_what_cannot_be_streamed_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("a,b\n1,2\n3,4\n")
    with pytest.raises(UserError, match="cannot be streamed"):
        open_data(tmp_path / "a.csv", stream="always")
    with pytest.raises(UserError, match='stream is "auto"'):
        open_data(tmp_path / "a.csv", stream="sometimes")


# Images, sounds and tables, decoded by worker processes.


@pytest.fixture
def photos(tmp_path):
    for i, pixels in enumerate(np.random.default_rng(0).integers(0, 256, (40, 6, 5, 3), dtype=np.uint8)):
        folder = tmp_path / "photos" / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / f"{i}.png")
    return tmp_path / "photos"


def test_streamed_images_are_the_resident_ones(photos):
    streamed, resident = open_data(photos, stream="always", size=4), open_data(photos, size=4)
    assert streamed.schema == resident.schema
    assert streamed.train.names == resident.train.names
    assert "in full random order" in streamed.streamed
    equal_parts(streamed, resident)
    for one, other in zip(walk(streamed.train), walk(streamed.train, ahead=False), strict=True):
        assert torch.equal(one, other)


def test_a_damaged_image_is_named_left_out_or_found_on_the_way(photos):
    data = open_data(photos, stream="always")
    victim = photos / data.train.names[3]
    content = victim.read_bytes()
    victim.write_bytes(content[:60])
    with pytest.raises(DataLostError, match=victim.name):
        walk(data.train)
    assert len(open_data(photos, stream="always", skip_bad=True).train) == len(
        open_data(photos, skip_bad=True).train
    )
    victim.write_bytes(content)
    walk(data.train)  # the workers go on


def write_wave(path, samples, rate=8000):
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, rate, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())


def test_streamed_sounds_are_the_resident_ones(tmp_path):
    pytest.importorskip("soundfile")
    random = np.random.default_rng(0)
    for i in range(12):
        write_wave(tmp_path / f"{i % 3}_{i}.wav", random.normal(0, 3000, random.integers(2000, 9000)))
    options = {"pattern": "{digit}_{take}", "loudness": -20.0}
    streamed, resident = open_data(tmp_path, stream="always", **options), open_data(tmp_path, **options)
    assert streamed.schema == resident.schema
    assert streamed.factor_names == resident.factor_names
    equal_parts(streamed, resident)


def test_a_long_recording_is_decoded_in_stretches(tmp_path, monkeypatch):
    pytest.importorskip("soundfile")
    monkeypatch.setattr("vaekit.data.stream.sounds.STRETCH_SECONDS", 1.0)
    write_wave(tmp_path / "long.wav", np.random.default_rng(0).normal(0, 3000, 8000 * 30))
    streamed = open_data(tmp_path / "long.wav", stream="always", length=0.25)
    assert len(streamed.train.rows.starts) - 1 > 20
    equal_parts(streamed, open_data(tmp_path / "long.wav", length=0.25))


@pytest.fixture
def table(tmp_path):
    """A table in row groups, with missing cells, texts, dates and truth values."""
    pl = pytest.importorskip("polars")
    pytest.importorskip("pyarrow")
    random = np.random.default_rng(0)
    columns = {
        "amount": random.normal(size=600).round(3),
        "count": random.integers(0, 7, 600),
        "city": random.choice(["Rome", "Oslo", "NA"], 600),
        "day": [f"2024-01-{1 + i % 28:02}" for i in range(600)],
        "paid": random.random(600) < 0.3,
    }
    frame = pl.DataFrame(columns).with_columns(
        pl.when(pl.col("amount") > 1).then(None).otherwise(pl.col("amount")).alias("amount"),
        pl.col("day").str.to_date().alias("date"),
    )
    frame.write_parquet(tmp_path / "table.parquet", row_group_size=70)
    return tmp_path / "table.parquet"


def test_a_streamed_table_is_the_resident_one(table):
    streamed, resident = open_data(table, stream="always"), open_data(table)
    assert streamed.schema == resident.schema  # so small a table is its own sample
    assert len(streamed.train.rows.starts) - 1 == 9
    equal_parts(streamed, resident)
    assert len(torch.cat(walk(streamed.train))) == len(resident.train)
    assert streamed.describe()["columns"] == resident.describe()["columns"]


def test_parquet_files_with_other_columns_are_refused(table, tmp_path):
    import polars as pl

    folder = tmp_path / "tables"
    folder.mkdir()
    table.rename(folder / "a.parquet")
    pl.DataFrame({"amount": [1.0, 2.0]}).write_parquet(folder / "b.parquet")
    with pytest.raises(UserError, match=r"b\.parquet has other columns than .*a\.parquet"):
        open_data(folder)


def test_a_worker_needs_no_torch_and_leaves_with_its_input():
    program = (
        "import json, sys; import vaekit.data.stream.worker, vaekit.data.stream.images, vaekit.data.stream.sounds;"
        "import vaekit.data.stream.arrays, vaekit.data.stream.parquet; print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert done.stdout == b"False\n"
    config = json.dumps({"decoder": "ArrayDecoder", "arguments": {}}).encode()
    command = [sys.executable, "-m", "vaekit.data.stream.worker"]
    done = subprocess.run(command, input=config + b"\n", capture_output=True, check=True, timeout=60)
    assert done.stdout == b""


def test_a_worker_that_dies_is_a_sentence(photos, monkeypatch):
    data = open_data(photos, stream="always")
    walk(data.train)
    for worker in data.train.rows.readers._workers:
        worker.process.kill()
        worker.process.wait()
    walk(data.train)  # a dead one is replaced
    monkeypatch.setenv("PYTHONPATH", "")
    data = open_data(photos, stream="always")
    monkeypatch.setattr(sys, "executable", "/bin/true")
    with pytest.raises(DataLostError, match="died"):
        walk(data.train)
