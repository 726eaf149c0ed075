"""Files of arrays: .npy, .npz, IDX and labels; damaged ones are refused by name."""

import gzip
import pickle
import struct

import numpy as np
import pytest
import torch

from vaekit.data import open_data
from vaekit.errors import UserError

random = np.random.default_rng(0)
X = random.integers(0, 256, (20, 6, 5)).astype(np.uint8)
Y = np.arange(20) % 4


def idx(x, code=0x08):
    dtype = {0x08: ">u1", 0x0B: ">i2", 0x0D: ">f4"}[code]
    return bytes([0, 0, code, x.ndim]) + struct.pack(f">{x.ndim}I", *x.shape) + x.astype(dtype).tobytes()


def test_npy(tmp_path):
    np.save(tmp_path / "faces.npy", X)
    d = open_data(tmp_path / "faces.npy", valid=0, test=0)
    assert np.array_equal(d.train.raw.numpy()[:, 0], X)
    assert d.schema.name == "faces"


@pytest.mark.parametrize("keys", [("x", "y"), ("X", "Y"), ("images", "labels"), ("data", "target")])
def test_npz_with_labels(tmp_path, keys):
    np.savez_compressed(tmp_path / "a.npz", **dict(zip(keys, (X, Y))))
    d = open_data(str(tmp_path / "a.npz"), valid=0, test=0)
    assert np.array_equal(d.train.raw.numpy()[:, 0], X)
    assert d.train.y.tolist() == Y.tolist()


def test_npz_with_parts(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=X[:15], y_train=Y[:15], x_test=X[15:] // 200, y_test=Y[15:])
    d = open_data(tmp_path / "a.npz", valid=3)
    assert {k: len(p) for k, p in d.parts.items()} == {"train": 12, "valid": 3, "test": 5}
    assert np.array_equal(d.test.raw.numpy()[:, 0], X[15:] // 200)  # not mistaken for binary
    assert d.test.y.tolist() == Y[15:].tolist()
    assert "test by the source" in d.split


@pytest.mark.parametrize("name", ["a.idx", "train-images-idx3-ubyte", "a-idx3-ubyte.gz", "a.idx.gz"])
def test_idx(tmp_path, name):
    content = idx(X)
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    d = open_data(tmp_path / name, valid=0, test=0)
    assert np.array_equal(d.train.raw.numpy()[:, 0], X)


@pytest.mark.parametrize("code", [0x0B, 0x0D])
def test_idx_of_larger_numbers(tmp_path, code):
    x = random.integers(-300, 300, (12, 3))
    (tmp_path / "a.idx").write_bytes(idx(x, code))
    d = open_data(tmp_path / "a.idx", valid=0, test=0)
    assert np.array_equal(d.train.raw.numpy(), x)


def test_source_opens_the_same_again(tmp_path):
    np.save(tmp_path / "x.npy", X)
    (tmp_path / "names.txt").write_text("".join(f"class {i}\n" for i in Y))
    d = open_data(
        tmp_path / "x.npy", labels=tmp_path / "names.txt", seed=3, valid=0.2, binarize="static", limit=9
    )
    again = open_data(**d.source)
    assert d.schema == again.schema
    assert d.schema.label_names == ("class 0", "class 1", "class 2", "class 3")
    for name, part in d.parts.items():
        assert torch.equal(part.raw, again.parts[name].raw)
        assert torch.equal(part.y, again.parts[name].y)


@pytest.mark.parametrize("name", ["y.npy", "y-idx1-ubyte", "y.csv"])
def test_files_of_labels(tmp_path, name):
    np.save(tmp_path / "y.npy", Y)
    (tmp_path / "y-idx1-ubyte").write_bytes(idx(Y))
    (tmp_path / "y.csv").write_text("\n".join(map(str, Y)))
    d = open_data(X, labels=str(tmp_path / name), valid=0, test=0)
    assert d.train.y.tolist() == Y.tolist()


def test_labels_given_as_values_are_not_kept(tmp_path):
    np.save(tmp_path / "x.npy", X)
    d = open_data(tmp_path / "x.npy", labels=Y)
    with pytest.raises(UserError, match="labels were an array in memory"):
        open_data(**d.source)


def cut(path, by=10):
    path.write_bytes(path.read_bytes()[:-by])
    return path


def damaged(tmp_path, what):
    path = tmp_path / what.split("|")[0]
    if path.suffix == ".npy":
        np.save(path, X)
        return cut(path, 40) if "cut" in what else path
    if path.suffix == ".npz":
        np.savez_compressed(path, x=X)
        if "flip" in what:
            content = bytearray(path.read_bytes())
            content[150] ^= 255
            path.write_bytes(content)
            return path
        return cut(path, 40)
    content = gzip.compress(idx(X)) if path.suffix == ".gz" else idx(X)
    path.write_bytes(content)
    return cut(path)


@pytest.mark.parametrize("what", ["a.npy|cut", "a.npz|cut", "a.npz|flip", "a.idx", "a-ubyte.gz"])
def test_damaged_files_are_named(tmp_path, what):
    path = damaged(tmp_path, what)
    before = path.read_bytes()
    with pytest.raises(UserError, match=r"cut off|cut-off|damaged") as caught:
        open_data(path)
    assert str(path) in str(caught.value)
    assert path.read_bytes() == before


def test_idx_with_another_header(tmp_path):
    (tmp_path / "a.idx").write_bytes(b"hello, this is no IDX file")
    with pytest.raises(UserError, match="does not begin like an IDX file"):
        open_data(tmp_path / "a.idx")
    (tmp_path / "b.idx").write_bytes(b"")
    with pytest.raises(UserError, match="does not begin like an IDX file"):
        open_data(tmp_path / "b.idx")


class Trap:
    """Its unpickling would leave a trace."""

    def __reduce__(self):
        return (open, ("TRAP", "w"))


@pytest.mark.parametrize("name", ["a.npy", "a.npz", "a.pt", "a.pkl", "a.joblib"])
def test_nothing_is_ever_unpickled(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    trapped = np.array([Trap()], dtype=object)
    if name == "a.npy":
        np.save(name, trapped, allow_pickle=True)
    elif name == "a.npz":
        np.savez(name, x=trapped)
    else:
        (tmp_path / name).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(UserError, match="pickle"):
        open_data(tmp_path / name)
    with pytest.raises(UserError, match=r"pickle|no file of labels"):
        open_data(X, labels=tmp_path / name)
    assert not (tmp_path / "TRAP").exists()


def test_a_bare_pickle_named_npy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.npy").write_bytes(pickle.dumps(Trap()))
    with pytest.raises(UserError, match=r"a\.npy"):
        open_data(tmp_path / "a.npy")
    assert not (tmp_path / "TRAP").exists()


def test_what_else_is_refused(tmp_path):
    np.savez(tmp_path / "odd.npz", left=X, right=X)
    with pytest.raises(UserError, match="holds left, right; expected x and y"):
        open_data(tmp_path / "odd.npz")
    np.savez(tmp_path / "uneven.npz", x_train=X, x_test=X[:, 1:])
    with pytest.raises(UserError, match="different shapes"):
        open_data(tmp_path / "uneven.npz")
    np.savez(tmp_path / "short.npz", x=X, y=Y[1:])
    with pytest.raises(UserError, match="19 labels for 20 examples"):
        open_data(tmp_path / "short.npz")
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(UserError, match=r"is a .txt file; expected a folder of images"):
        open_data(tmp_path / "notes.txt")
    with pytest.raises(UserError, match="does not exist"):
        open_data(tmp_path / "nowhere.npy")
    with pytest.raises(UserError, match=r"labels, .*does not exist"):
        open_data(X, labels=tmp_path / "nowhere.txt")
    with pytest.raises(UserError, match=r"fixed size|is a file"):
        open_data(tmp_path / "odd.npz", size=8)
