"""A training on data in files continues in the middle of an epoch, to the bit."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import vaekit
import vaekit.data.stream.arrays as arrays
import vaekit.data.stream.order as orders
from vaekit import api
from vaekit.errors import DataLostError
from vaekit.training.checkpoint import Checkpoint
from vaekit.training.loop import Training

sys.path.insert(0, str(Path(__file__).parent))
import killing

OPTIONS = {
    "recipe": "vae",
    "hidden": 8,
    "latent": 2,
    "epochs": 2,
    "batch_size": 32,
    "ema": 0.9,
    "binarize": "dynamic",
    "stream": "always",
    "save_minutes": 0,
    "device": "cpu",
    "quiet": True,
}


class KilledError(Exception):
    """Stands for a kill: nothing is saved any more."""


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """Many chunks in small data, and no pictures."""
    monkeypatch.setattr(arrays, "CHUNK_BYTES", 7 * 16)
    monkeypatch.setattr(orders, "WINDOW_BYTES", 100 * 16)
    monkeypatch.setattr(api, "finish", lambda *args: None)


@pytest.fixture
def shards(tmp_path):
    folder = tmp_path / "shards"
    folder.mkdir()
    for i in range(3):
        pixels = np.random.default_rng(i).integers(0, 256, (200, 4, 4), dtype=np.uint8)
        np.save(folder / f"{i}.npy", pixels)
    return folder


@pytest.fixture
def whole(shards, tmp_path):
    """Hashes of the files of an uninterrupted training."""
    vaekit.train(shards, out=tmp_path / "whole", **OPTIONS)
    return killing.hashes(tmp_path / "whole")


@pytest.mark.parametrize("last", [5, 16])
def test_a_killed_epoch_goes_on_where_it_was(shards, whole, tmp_path, monkeypatch, last):
    """Killed in the first epoch, and in the second."""
    out, steps = tmp_path / "cut", []

    def step(training, index):
        if len(steps) == last:
            raise KilledError
        steps.append(index)
        real(training, index)

    real = Training.step
    monkeypatch.setattr(Training, "step", step)
    with pytest.raises(KilledError):
        vaekit.train(shards, out=out, **OPTIONS)
    progress = Checkpoint.load(out / "checkpoints" / "last.safetensors").progress
    assert (progress.epoch, progress.step) == divmod(last, 14)
    last = -1
    vaekit.resume(out, device="cpu", quiet=True)
    assert len(steps) == 28  # no step was taken twice
    assert killing.hashes(out) == whole


def test_a_file_lost_in_mid_epoch_is_named_and_the_run_goes_on(shards, whole, tmp_path, monkeypatch):
    out, hidden = tmp_path / "cut", tmp_path / "hidden.npy"

    def step(training, index):
        if training.progress.step == 4 and not training.progress.epoch:
            (shards / "1.npy").rename(hidden)
        real(training, index)

    real = Training.step
    with monkeypatch.context() as patch:
        patch.setattr(Training, "step", step)
        patch.setattr(Training, "save_if_due", lambda training: None)
        with pytest.raises(
            DataLostError, match=r"1\.npy cannot be read any more \(No such file or directory\)"
        ):
            vaekit.train(shards, out=out, **OPTIONS)
    progress = Checkpoint.load(out / "checkpoints" / "last.safetensors").progress
    assert progress.step >= 4
    hidden.rename(shards / "1.npy")
    vaekit.resume(out, device="cpu", quiet=True)
    assert killing.hashes(out) == whole


def test_other_data_is_refused(shards, whole, tmp_path):
    np.save(shards / "1.npy", np.zeros((200, 4, 4), np.uint8))
    with pytest.raises(vaekit.UserError, match="training data is not what"):
        vaekit.resume(tmp_path / "whole", device="cpu", quiet=True)
