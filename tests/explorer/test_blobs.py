"""Numbers as the page holds them: bytes where steps are fine, float16 where a wild number would make them wide."""

from __future__ import annotations

import gzip

import numpy as np

from vaekit.explorer.blobs import Blobs


def held(blobs: Blobs, stated: dict) -> np.ndarray:
    """A blob's numbers, without what the manifest says of their scale."""
    blob = blobs.held[stated["blob"]]
    planes = np.frombuffer(gzip.decompress(blob.packed), np.uint8).reshape(blob.planes, -1)
    return np.frombuffer(planes.T.tobytes(), np.dtype(stated["dtype"])).reshape(stated["shape"])


def test_columns_come_back_within_half_a_step() -> None:
    values = np.random.default_rng(0).normal([0, 50, -3], [1, 0.01, 200], (4000, 3))
    blobs = Blobs("0-")
    stated = blobs.column_steps("mean", values, bits=8)
    assert stated["dtype"] == "uint8"
    scale, offset = np.asarray(stated["scale"]), np.asarray(stated["offset"])
    back = held(blobs, stated) * scale + offset
    assert (np.abs(back - values) <= 0.5 * scale + 1e-4 * np.abs(values)).all()
    assert (scale < values.std(0) / 20).all()


def test_a_vector_and_a_constant_are_columns() -> None:
    blobs = Blobs()
    stated = blobs.column_steps("rate", np.full(50, 2.5), bits=6)
    assert len(stated["scale"]) == len(stated["offset"]) == 1
    assert (held(blobs, stated) * stated["scale"][0] + stated["offset"][0] == 2.5).all()


def test_wild_and_missing_numbers_are_float16() -> None:
    values = np.random.default_rng(0).normal(size=1000)
    for wild in (1e4, np.inf, np.nan):
        values[7] = wild
        blobs = Blobs()
        stated = blobs.column_steps("elbo", values, bits=8)
        assert stated["dtype"] == "float16"
        assert "scale" not in stated
        np.testing.assert_allclose(held(blobs, stated)[:7], values[:7], rtol=2**-8)


def test_nothing_is_nothing() -> None:
    assert Blobs().column_steps("mean", np.zeros((0, 4)), bits=8)["shape"] == [0, 4]
