"""Named data sets: what they are, where they are found, and how they are downloaded."""

import gzip
import hashlib
import shutil
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import torch

from vaekit.data import download, named, open_data
from vaekit.errors import UserError


def test_digits():
    d = open_data("digits")
    assert (d.schema.shape, d.schema.levels, d.train.raw.dtype) == ((1, 8, 8), 17, torch.uint8)
    assert sum(map(len, d.parts.values())) == 1797
    assert d.describe()["raw_range"] == [0, 16]
    x, y = d.train.batch(torch.arange(len(d.train)))
    assert (x.min(), x.max()) == (0.0, 1.0)
    assert torch.bincount(y).min() > 100


def test_mnist(data_folder):
    d = open_data("mnist")
    assert {k: len(p) for k, p in d.parts.items()} == {"train": 59000, "valid": 1000, "test": 10000}
    assert d.train.raw.dtype == torch.uint8
    assert d.test.y[:5].tolist() == [7, 2, 1, 0, 4]  # as everyone knows
    x, _ = d.train.batch(torch.arange(len(d.train)))
    assert abs(x.mean().item() - 0.1307) < 1e-3
    facts = d.describe()
    assert facts["label_counts"]["test"]["7"] == 1028
    assert facts["memory_bytes"] == 70000 * 784
    assert any("constant" in oddity for oddity in facts["oddities"])


def test_mnist_opens_quickly(data_folder):
    import time

    def seconds():
        start = time.perf_counter()
        open_data("mnist")
        return time.perf_counter() - start

    assert min(seconds() for _ in range(4)) < 0.8  # 0.3 on an idle laptop; the rest is for a busy one


def test_dynamic_mnist_has_the_mean_of_grey_mnist(data_folder):
    grey, drawn = open_data("mnist", limit=5000), open_data("mnist", limit=5000, binarize="dynamic")
    index = torch.arange(5000)
    x = drawn.train.batch(index, torch.Generator().manual_seed(0))[0]
    assert abs(x.mean() - grey.train.batch(index)[0].mean()) < 1e-3


@pytest.mark.parametrize(
    ("name", "shape", "levels", "total"),
    [
        ("fashion-mnist", (1, 28, 28), 256, 70000),
        ("binarized-mnist", (1, 28, 28), 2, 70000),
        ("freyfaces", (1, 28, 20), 256, 1965),
    ],
)
def test_other_sets(data_folder, name, shape, levels, total):
    d = open_data(name)
    assert (d.schema.shape, d.schema.levels, d.train.raw.dtype) == (shape, levels, torch.uint8)
    assert sum(map(len, d.parts.values())) == total
    assert d.schema.name == name
    assert int(d.train.raw.max()) < levels


def test_shapes_keep_their_factors(data_folder):
    d = open_data("shapes", limit=2000)
    assert d.factor_names == ("shape", "scale", "orientation", "posX", "posY")
    assert d.schema.label_names == ("square", "ellipse", "heart")
    f = d.factors["train"]
    assert torch.equal(f[:, 0], d.train.y)
    # The factor posX is where the shape is: its centre of mass goes with it, all else being drawn at random.
    x = d.train.batch(torch.arange(2000))[0][:, 0]
    centre = (x.sum(1) * torch.arange(64)).sum(1) / x.sum((1, 2))
    assert torch.corrcoef(torch.stack([centre, f[:, 3].float()]))[0, 1] > 0.99


def test_a_file_of_another_kind_under_the_right_name(tmp_path, monkeypatch):
    monkeypatch.setenv("VAEKIT_DATA", str(tmp_path))
    for name, file in (("shapes", "shapes.npz"), ("binarized-mnist", "binarized_mnist.npz")):
        (tmp_path / name).mkdir()
        np.savez(tmp_path / name / file, other=np.ones(3))
        with pytest.raises(UserError, match="lacks some of the arrays"):
            open_data(name)
    (tmp_path / "freyfaces").mkdir()
    np.save(tmp_path / "freyfaces" / "freyfaces.npy", np.ones((3, 4)))
    with pytest.raises(UserError, match="is not the array"):
        open_data("freyfaces")


def test_an_unknown_name_gets_a_suggestion():
    with pytest.raises(UserError, match='Did you mean "mnist"'):
        open_data("minst")
    with pytest.raises(UserError, match="empty name"):
        open_data("")
    with pytest.raises(UserError, match=r"Known: .*digits"):
        open_data("zzz")
    with pytest.raises(UserError, match="fixed size"):
        open_data("digits", size=8)


def test_shapes_are_drawn_where_they_are_missing(data_folder, fresh_cache, monkeypatch):
    """A small draw is made through the same door; the pixels are those of the benchmark data."""
    from vaekit.data import shapes

    kept = np.load(data_folder / "shapes" / "shapes.npz")
    images = np.unpackbits(kept["images"], axis=1).reshape(*kept["factor_sizes"], 64, 64)
    heart = shapes.measure_heart()
    for s, k, o in ((0, 0, 3), (1, 3, 19), (2, 5, 7), (2, 0, 0)):
        made = shapes.draw(s, shapes.RADII[k], shapes.ANGLES[o], heart)
        assert np.array_equal(made, images[s, k, o])
    monkeypatch.delenv("VAEKIT_DATA")
    monkeypatch.setattr(shapes, "draw", lambda s, *_: np.full((16, 16, 64, 64), s == 2))
    d = open_data("shapes", limit=500)
    assert files_under(fresh_cache) == ["shapes.npz"]
    assert torch.equal(d.train.raw.amax((1, 2, 3)) == 1, d.train.y == 2)


# Downloads, from a server on this computer.


def idx(x):
    return bytes([0, 0, 8, x.ndim]) + b"".join(int(n).to_bytes(4, "big") for n in x.shape) + x.tobytes()


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A mirror of a small MNIST, and the answers to change: path -> (bytes, claimed length)."""
    random = np.random.default_rng(0)
    answers, checks = {}, {}
    for part, n in (("train", 30), ("t10k", 10)):
        arrays = {
            "images-idx3": random.integers(0, 256, (n, 28, 28)),
            "labels-idx1": random.integers(0, 10, n),
        }
        for what, x in arrays.items():
            content, file = idx(x.astype(np.uint8)), f"{part}-{what}-ubyte.gz"
            body = gzip.compress(content)
            answers[f"/mnist/{file}"] = (body, len(body))
            checks[file] = hashlib.sha256(content).hexdigest()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path not in answers:
                self.send_error(404)
                return
            body, length = answers[self.path]
            self.send_response(200)
            self.send_header("Content-Length", str(length))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("VAEKIT_MIRROR", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.delenv("VAEKIT_DATA", raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    real = download.MIRRORS["mnist"]
    monkeypatch.setitem(download.MIRRORS, "mnist", download.Mirror(real.bases, checks, real.content))
    yield answers
    server.shutdown()
    server.server_close()


def files_under(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_download_then_cache(site, fresh_cache, capsys):
    d = open_data("mnist", valid=5)
    assert {k: len(p) for k, p in d.parts.items()} == {"train": 25, "valid": 5, "test": 10}
    assert files_under(fresh_cache) == sorted(path.rsplit("/", 1)[1] for path in site)
    site.clear()  # from now on the cache must do
    assert torch.equal(open_data("mnist", valid=5).train.raw, d.train.raw)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("how", ["other content", "cut off", "cut gzip", "no gzip", "missing"])
def test_a_bad_download_leaves_nothing_behind(site, fresh_cache, how):
    path = "/mnist/t10k-labels-idx1-ubyte.gz"
    body, length = site[path]
    if how == "missing":
        del site[path]
    else:
        other = gzip.compress(idx(np.zeros(10, np.uint8)))
        site[path] = {
            "other content": (other, len(other)),
            "cut off": (body[:-9], length),
            "cut gzip": (body[:-9], length - 9),
            "no gzip": (b"<html>", 6),
        }[how]
    says = {
        "other content": "sha256 is not the published one",
        "cut off": "cut off after",
        "missing": "Not Found",
    }
    with pytest.raises(UserError, match=says.get(how, "t10k-labels")) as caught:
        open_data("mnist")
    assert str(fresh_cache / "mnist") in str(caught.value)
    assert files_under(fresh_cache) == []


def test_unreachable_says_what_to_put_where(fresh_cache, monkeypatch):
    monkeypatch.delenv("VAEKIT_DATA", raising=False)
    monkeypatch.setattr(named, "DEBIAN", {})
    for name, file in (("mnist", "train-images"), ("freyfaces", "freyfaces.npy"), ("fashion-mnist", "t10k")):
        with pytest.raises(UserError, match="could not be downloaded") as caught:
            open_data(name)
        assert file in str(caught.value)
        assert f"into {fresh_cache / name}" in str(caught.value)
    assert files_under(fresh_cache) == []


def test_debian_package_is_found(data_folder, tmp_path, monkeypatch):
    shutil.copytree(data_folder / "fashion-mnist", tmp_path / "debian")
    monkeypatch.setattr(named, "DEBIAN", {"fashion-mnist": tmp_path / "debian"})
    monkeypatch.delenv("VAEKIT_DATA")
    assert len(open_data("fashion-mnist").test) == 10000


def test_published_sums_are_those_of_the_benchmark_data(data_folder):
    for name in ("mnist", "fashion-mnist"):
        for file, sha256 in download.MIRRORS[name].files.items():
            content = gzip.decompress((data_folder / name / file).read_bytes())
            assert hashlib.sha256(content).hexdigest() == sha256


def test_binarized_mnist_is_packed_from_its_text(data_folder):
    """The text of the original, written again, has the published sum and packs to the same bits."""
    kept = np.load(data_folder / "binarized-mnist" / "binarized_mnist.npz")
    texts = {}
    for part in ("train", "valid", "test"):
        text = np.full((len(kept[part]), 2 * 784), ord(" "), np.uint8)
        text[:, ::2] = np.unpackbits(kept[part], axis=1) + ord("0")
        text[:, -1] = ord("\n")
        texts[f"binarized_mnist_{part}.amat"] = text.tobytes()
    sums = {file: hashlib.sha256(text).hexdigest() for file, text in texts.items()}
    assert sums == download.MIRRORS["binarized-mnist"].files
    (made,) = download.keep_binarized(texts).values()
    import io

    again = np.load(io.BytesIO(made))
    assert all(np.array_equal(again[part], kept[part]) for part in kept.files)


def test_frey_faces_from_the_matlab_file(data_folder):
    import io

    from scipy.io import savemat

    faces = np.load(data_folder / "freyfaces" / "freyfaces.npy")
    buffer = io.BytesIO()
    savemat(buffer, {"ff": faces.reshape(len(faces), -1).T})
    content = download.pixels_of_mat(buffer.getvalue())
    assert hashlib.sha256(content).hexdigest() == download.MIRRORS["freyfaces"].files["frey_rawface.mat"]
    (npy,) = download.keep_freyfaces({"frey_rawface.mat": content}).values()
    assert np.array_equal(np.load(io.BytesIO(npy)), faces)


def test_write_is_whole_or_not_at_all(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"old")
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(UserError, match="disk full"):
        download.write(tmp_path / "a", b"new")
    assert files_under(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"
