"""Part: batches are the affine map of the raw values, or draws with x as their probability."""

import dataclasses

import numpy as np
import pytest
import torch

from vaekit.data import Part, open_data
from vaekit.schema import Schema


def grey(n=50, levels=256, seed=0):
    return np.random.default_rng(seed).integers(0, levels, (n, 6, 5)).astype(np.uint8)


def test_batch_is_the_affine_map_and_raw_stays_uint8():
    x = grey()
    d = open_data(x, valid=0, test=10)
    assert d.train.raw.dtype == torch.uint8
    batch, y = d.train.batch(torch.tensor([3, 1]))
    assert y is None
    assert batch.dtype == torch.float32
    assert torch.equal(batch, d.train.raw[[3, 1]].float() / 255)
    assert set(d.train.raw.unique().tolist()) <= set(range(256))


def test_batch_can_be_changed_without_changing_the_data():
    d = open_data(np.random.default_rng(0).random((20, 4, 4)).astype(np.float32))
    before = d.train.raw.clone()
    d.train.batch(torch.arange(3))[0].zero_()
    next(d.train.batches(3))[0].zero_()
    assert torch.equal(d.train.raw, before)


def test_batches_cover_the_part_in_order():
    d = open_data((grey(31), np.arange(31) % 3))
    xs, ys = zip(*d.train.batches(7))
    assert torch.equal(torch.cat(xs), d.train.raw / 255)
    assert torch.equal(torch.cat(ys), d.train.y)
    assert max(map(len, xs)) == 7


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32])
def test_dynamic_binarization_has_the_grey_level_as_its_mean(dtype):
    grid = np.linspace(0, 1, 6).reshape(1, 2, 3)
    top = 1 if dtype == np.float32 else np.iinfo(dtype).max
    x = np.repeat(grid * top, 5, 0).round(7 if top == 1 else 0).astype(dtype)
    d = open_data(x, binarize="dynamic", valid=0, test=1)
    assert d.schema.is_binary
    index = torch.zeros(20_000, dtype=torch.int64)
    draws, _ = d.train.batch(index, torch.Generator().manual_seed(1))
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    p = torch.tensor(grid, dtype=torch.float32)
    standard_error = (p * (1 - p) / len(index)).sqrt()
    assert ((draws.mean(0) - p).abs() <= 4 * standard_error + 1e-6).all()  # 0 and 1 never err


def test_dynamic_binarization_follows_its_generator_and_batches_repeat():
    d = open_data(grey(), binarize="dynamic")
    index = torch.arange(10)
    first, again = (d.train.batch(index, torch.Generator().manual_seed(5))[0] for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first, d.train.batch(index, torch.Generator().manual_seed(6))[0])
    one, two = (torch.cat([x for x, _ in d.train.batches(16)]) for _ in range(2))
    assert torch.equal(one, two)


def test_static_binarization_is_one_draw_fixed_by_the_seed():
    x = np.full((4000, 2, 2), 51, np.uint8)  # p = 0.2
    d, same, other = (open_data(x, binarize="static", seed=s) for s in (0, 0, 1))
    assert d.schema.is_binary
    assert (d.schema.scale, d.train.raw.dtype) == (1.0, torch.uint8)
    assert torch.equal(d.train.raw, same.train.raw)
    assert not torch.equal(d.train.raw, other.train.raw)
    assert abs(d.train.raw.float().mean().item() - 0.2) < 0.02


def test_binary_data_is_left_as_it_is():
    x = np.random.default_rng(0).integers(0, 2, (30, 8))
    for how in ("dynamic", "static"):
        d = open_data(x, binarize=how)
        assert d.train.binarize == "none"
        assert d.schema.is_binary


def test_part_without_source_standardizes_per_feature():
    schema = Schema("array", (2,), offset=(1.0, 2.0), scale=(2.0, 4.0))
    part = Part(torch.tensor([[3.0, 10.0]]), None, None, schema)
    assert part.batch(torch.tensor([0]))[0].tolist() == [[1.0, 2.0]]
    assert part.to("cpu").batch(torch.tensor([0]))[0].tolist() == [[1.0, 2.0]]


def test_take_keeps_rows_together():
    d = open_data((grey(20), np.arange(20)), valid=0, test=2)
    part = d.train.take(torch.tensor([4, 2]))
    assert torch.equal(part.y, d.train.y[[4, 2]])
    assert torch.equal(part.raw, d.train.raw[[4, 2]])


def test_describe_states_the_facts():
    x = grey(60)
    x[:, 0, 0] = 7
    x[1] = x[0]
    y = ["odd" if i % 2 else "even" for i in range(60)]
    y[59] = "rare"
    facts = open_data((x, y), valid=0, test=0).describe()
    assert facts["parts"] == {"train": 60}
    assert facts["label_counts"]["train"] == {"even": 30, "odd": 29, "rare": 1}
    assert facts["raw_range"] == [int(x.min()), int(x.max())]
    assert (facts["dtype"], facts["levels"], facts["shape"]) == ("uint8", 256, [1, 6, 5])
    text = " ".join(facts["oddities"])
    assert "1 of 30 values (3%) are constant" in text
    assert "1 training example repeats another" in text
    assert 'Class "rare" has 1 training example.' in text
    assert facts["split"] in facts["notes"]


def test_describe_is_json_and_finds_leaks():
    import json

    x = np.random.default_rng(0).normal(size=(40, 3))
    x[20:] = x[:20]
    facts = open_data(x).describe()
    assert json.loads(json.dumps(facts)) == facts
    assert facts["model_range"] == [None, None]
    assert any("in the training part too" in o for o in facts["oddities"])


def test_a_spared_set_keeps_few_training_examples_and_what_it_was() -> None:
    data = open_data("digits", seed=0)
    few = data.spared(20)
    assert len(few.train) == 20
    assert few.sizes == data.sizes == {name: len(part) for name, part in data.parts.items()}
    rows = {bytes(row.numpy().tobytes()) for row in data.train.raw}
    assert all(bytes(row.numpy().tobytes()) in rows for row in few.train.raw)
    assert few.test is data.test
    assert data.spared(10**6) is data
    alone = dataclasses.replace(data, valid=None, test=None)
    assert alone.spared(20) is alone  # its training part is what is measured on
    assert alone.sizes == {"train": len(data.train)}
