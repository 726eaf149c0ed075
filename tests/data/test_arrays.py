"""Arrays and tensors: what each is taken for, and what is refused."""

import numpy as np
import pytest
import torch

from vaekit.data import open_data
from vaekit.errors import UserError

random = np.random.default_rng(0)


@pytest.mark.parametrize(
    ("x", "kind", "shape", "levels"),
    [
        (random.integers(0, 256, (9, 7, 6)).astype(np.uint8), "image", (1, 7, 6), 256),
        (random.integers(0, 256, (9, 7, 6, 3)).astype(np.uint8), "image", (3, 7, 6), 256),
        (random.integers(0, 256, (9, 3, 7, 6)).astype(np.uint8), "image", (3, 7, 6), 256),
        (torch.randint(0, 256, (9, 3, 7, 4), dtype=torch.uint8), "image", (3, 7, 4), 256),
        (random.integers(0, 256, (9, 3, 7, 4)).astype(np.uint8), "image", (4, 3, 7), 256),
        (random.integers(0, 256, (9, 7, 6)), "image", (1, 7, 6), 256),
        (random.integers(0, 2, (9, 7, 6)).astype(bool), "image", (1, 7, 6), 2),
        (random.integers(0, 65536, (9, 7, 6)).astype(np.uint16), "image", (1, 7, 6), 65536),
        (random.random((9, 7, 6)), "image", (1, 7, 6), None),
        (random.random((9, 7, 6, 3)), "image", (3, 7, 6), None),
        (random.normal(size=(9, 7, 6)), "array", (7, 6), None),
        (random.normal(size=(9, 4)), "array", (4,), None),
        (random.random((9, 4)), "array", (4,), None),
        (random.integers(0, 2, (9, 4)), "array", (4,), 2),
        (random.integers(0, 2, (9, 4)).astype(bool), "array", (4,), 2),
        (random.integers(0, 256, (9, 4)).astype(np.uint8), "array", (4,), 256),
        (random.integers(0, 2, (9, 4)).astype(float), "array", (4,), 2),
        (random.integers(-5, 99, (9, 4)), "array", (4,), None),
        (torch.randn(9, 4, dtype=torch.bfloat16), "array", (4,), None),
    ],
)
def test_what_an_array_is(x, kind, shape, levels):
    d = open_data(x)
    assert (d.schema.kind, d.schema.shape, d.schema.levels) == (kind, shape, levels)
    if levels:
        assert not d.train.raw.is_floating_point()
        assert (d.schema.low, d.schema.high, d.schema.offset, d.schema.scale) == (0.0, 1.0, 0.0, levels - 1.0)


def test_channels_last_keeps_each_pixel():
    x = random.integers(0, 256, (5, 7, 6, 3)).astype(np.uint8)
    d = open_data(x, valid=0, test=0)
    assert np.array_equal(d.train.raw.numpy(), x.transpose(0, 3, 1, 2))


def test_sixteen_bits_keep_their_range():
    x = np.arange(65536, dtype=np.uint16).reshape(64, 32, 32)
    d = open_data(x, valid=0, test=0)
    assert np.array_equal(d.train.raw.numpy()[:, 0], x)
    values, _ = d.train.batch(torch.arange(64))
    assert len(values.unique()) == 65536
    assert (values.min(), values.max()) == (0.0, 1.0)


def test_floats_are_standardized_by_the_training_part():
    x = random.normal(size=(300, 3)) * [1.0, 50.0, 0.0] + [0.0, 1e3, 3.3]
    d = open_data(x)
    train, _ = d.train.batch(torch.arange(len(d.train)))
    assert torch.allclose(train.mean(0), torch.zeros(3), atol=1e-4)
    assert torch.allclose(train[:, :2].std(0, correction=0), torch.ones(2), atol=1e-3)
    assert d.schema.scale[2] == 1.0  # a constant feature
    back = train * torch.tensor(d.schema.scale) + torch.tensor(d.schema.offset)
    assert torch.allclose(back, d.train.raw, rtol=1e-5, atol=1e-3)


def test_float_images_stay_as_they_are():
    x = random.random((20, 5, 5)).astype(np.float32)
    d = open_data(x, valid=0, test=0)
    assert d.schema.is_unit
    assert np.array_equal(d.train.batch(torch.arange(20))[0].numpy()[:, 0], x)


def test_the_users_array_is_not_shared():
    x = random.random((20, 5, 5)).astype(np.float32)
    d = open_data(x, valid=0, test=0)
    x[:] = 0
    assert d.train.raw.sum() > 0


def test_labels_become_positions_in_sorted_names():
    d = open_data((random.normal(size=(4, 2)), ["b", "a", "b", "c"]), valid=0, test=0)
    assert d.schema.label_names == ("a", "b", "c")
    assert d.train.y.tolist() == [1, 0, 1, 2]
    d = open_data(random.normal(size=(4, 2)), labels=torch.tensor([5, -1, 5, 5]), valid=0, test=0)
    assert d.schema.label_names == ("-1", "5")
    assert d.train.y.tolist() == [1, 0, 1, 1]


def test_reopening_an_array_needs_the_same_array():
    x = random.normal(size=(30, 2))
    d = open_data(x, seed=4)
    with pytest.raises(UserError, match="array in memory"):
        open_data(**d.source)
    again = open_data(**{**d.source, "data": x})
    assert torch.equal(again.train.raw, d.train.raw)
    assert again.source == d.source
    with pytest.raises(UserError, match="not the one recorded"):
        open_data(**{**d.source, "data": x + 1})
    assert open_data(d) is d


def with_value(value, *at):
    x = np.ones((6, 4))
    for i in at:
        x[i] = value
    return x


@pytest.mark.parametrize(
    ("x", "says"),
    [
        (
            with_value(np.nan, (2, 1), (3, 0)),
            r"2 values that are not finite, the first \(nan\) at index \(2, 1\)",
        ),
        (with_value(-np.inf, (0, 3)), r"1 value that is not finite, the first \(-inf\) at index \(0, 3\)"),
        (np.ones((6, 4), dtype=complex), "type complex128; expected numbers"),
        (np.array([["a", "b"]] * 6), "expected numbers"),
        (np.array([[{}, []]] * 6, dtype=object), "type object; expected numbers"),
        (np.array(["2020-01-01"] * 6, dtype="datetime64[D]").reshape(3, 2), "expected numbers"),
        (np.ones(6), r"shape \(6,\); expected \(N, F\)"),
        (np.float64(3.0), r"shape \(\)"),
        (np.ones((0, 4)), "is empty"),
        (np.ones((6, 0)), "is empty"),
        (np.ones((6, 9, 9, 9), np.uint8), "neither axis 1 nor axis 3"),
        (np.full((6, 4), 1e300), "beyond float32"),
        ((np.ones((6, 4)), np.arange(5)), "5 labels for 6 examples"),
        ((np.ones((6, 4)), np.arange(6) + 0.5), "not whole numbers"),
        ((np.ones((6, 4)), np.ones((6, 2))), "one number or name a row"),
        ((np.ones((6, 4)),) * 3, "A tuple of 3 came"),
        (5, "Data of type int"),
        ([1, 2, 3], "A list of 3 came"),
        (None, "Data of type NoneType"),
    ],
)
def test_what_is_refused(x, says):
    with pytest.raises(UserError, match=says) as caught:
        open_data(x)
    assert len(str(caught.value).split(". ")) <= 2


def test_options_that_do_not_fit():
    with pytest.raises(UserError, match="binarize is"):
        open_data(np.ones((6, 4)), binarize="always")
    with pytest.raises(UserError, match="no draw can binarize"):
        open_data(random.normal(size=(6, 4)), binarize="dynamic")
    with pytest.raises(UserError, match="size resizes a folder"):
        open_data(np.ones((6, 4, 4), np.uint8), size=8)
