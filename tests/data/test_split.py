"""The split: disjoint, complete, the same for the same seed on every machine."""

import subprocess
import sys

import numpy as np
import pytest

from vaekit.data import open_data
from vaekit.errors import UserError


def ids(n=200, **options):
    """The parts as lists of the examples' own numbers."""
    d = open_data((np.arange(n * 2.0).reshape(n, 2), np.arange(n)), **options)
    return {name: part.y.tolist() for name, part in d.parts.items()}


def test_parts_are_disjoint_complete_and_of_the_default_sizes():
    parts = ids(200)
    assert {k: len(v) for k, v in parts.items()} == {"train": 144, "valid": 16, "test": 40}
    assert sorted([i for part in parts.values() for i in part]) == list(range(200))


def test_validation_is_at_most_1000():
    assert len(ids(15000)["valid"]) == 1000


def test_same_seed_same_parts_other_seed_other_parts():
    assert ids(seed=3) == ids(seed=3)
    assert ids(seed=3)["test"] != ids(seed=4)["test"]


def test_split_is_the_same_in_another_process():
    code = (
        "import numpy as np; from vaekit.data.split import split; from vaekit.data.source import Block;"
        "p, _ = split({'all': Block(np.arange(50))}, None, None, None, 7); print(p['test'].raw.tolist())"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    # Written out, so that a change of the stream is noticed: runs of earlier versions must find their test part.
    assert out.strip() == "[1, 10, 13, 15, 20, 22, 27, 30, 36, 42]"


@pytest.mark.parametrize(
    ("options", "sizes"),
    [
        ({"valid": 0, "test": 0}, {"train": 200}),
        ({"valid": 0.5, "test": 0}, {"train": 100, "valid": 100}),
        ({"valid": 7, "test": 13}, {"train": 180, "valid": 7, "test": 13}),
        ({"valid": 7.0, "test": 0.25}, {"train": 143, "valid": 7, "test": 50}),
        ({"limit": 10}, {"train": 10, "valid": 10, "test": 10}),
    ],
)
def test_sizes_asked_for(options, sizes):
    parts = ids(200, **options)
    assert {k: len(v) for k, v in parts.items()} == sizes
    drawn = [i for part in parts.values() for i in part]
    assert len(set(drawn)) == len(drawn)


def test_the_sentence_says_how(data_folder):
    d = open_data("mnist")
    assert (
        d.split
        == "Split: 59,000 train / 1,000 valid / 10,000 test; test by the source, valid drawn with seed 0."
    )
    assert d.notes[-1] == d.split
    d = open_data("binarized-mnist")
    assert d.split == "Split: 50,000 train / 10,000 valid / 10,000 test; valid and test by the source."
    assert open_data("binarized-mnist", valid=0).valid is None


def test_an_official_part_is_not_drawn_anew(data_folder):
    with pytest.raises(UserError, match="its own test part of 10,000"):
        open_data("mnist", test=0.1)


@pytest.mark.parametrize("bad", [-1, 1.5, True, -0.1])
def test_nonsense_amounts(bad):
    with pytest.raises(UserError, match="share below 1 or a whole number"):
        ids(valid=bad)


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_rows(n):
    with pytest.raises(UserError, match="too few"):
        ids(n)


def test_three_rows_suffice():
    assert {k: len(v) for k, v in ids(3).items()} == {"train": 1, "valid": 1, "test": 1}


def test_parts_that_leave_nothing():
    with pytest.raises(UserError, match="too few"):
        ids(20, test=20)
    with pytest.raises(UserError, match="too few"):
        ids(20, valid=16)
    with pytest.raises(UserError, match="limit"):
        ids(20, limit=0)
