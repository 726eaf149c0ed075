"""labelled: some labels of each class are kept, by seed, and the others hidden in training alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from vaekit import UserError
from vaekit.data import open_data

X, Y = np.random.RandomState(0).randn(200, 3).astype("float32"), np.arange(200) % 4


def test_so_many_labels_of_each_class_are_kept() -> None:
    dataset, whole = open_data((X, Y), labelled=5), open_data((X, Y))
    hidden, known = dataset.train.y, whole.train.y
    assert hidden is not None
    assert known is not None
    kept = hidden >= 0
    assert torch.bincount(hidden[kept]).tolist() == [5, 5, 5, 5]
    assert torch.equal(hidden[kept], known[kept])
    assert torch.equal(dataset.test.y, whole.test.y)
    assert "20 of 144 training labels are kept, drawn with seed 0." in dataset.notes
    dataset.describe()
    assert dataset.source["labelled"] == 5
    assert torch.equal(open_data((X, Y), labelled=5).train.y, hidden)
    assert not torch.equal(open_data((X, Y), labelled=5, seed=1).train.y, hidden)


def test_what_cannot_be_kept_is_refused() -> None:
    with pytest.raises(UserError, match="has none; pass labels"):
        open_data(X, labelled=5)
    with pytest.raises(UserError, match="at least 1; 0 came"):
        open_data((X, Y), labelled=0)
