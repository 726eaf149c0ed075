"""Bad input: one sentence, exit code 2, nothing written over and nothing left behind."""

from __future__ import annotations

import json
import pickle
import shutil
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import vaekit as vk
from vaekit.errors import UserError

Call = Callable[..., Any]
TINY = ["--recipe", "vae", "--hidden", 4, "--latent", 2, "--epochs", 1, "--batch-size", 4, "--quiet"]


def contents(folder: Path) -> dict[str, bytes]:
    """Everything below a folder; folders have no bytes."""
    return {str(p.relative_to(folder)): p.read_bytes() if p.is_file() else b"" for p in folder.rglob("*")}


@pytest.fixture
def untouched(here: Path, refused: Call) -> Call:
    """Refused, and the current folder is as it was."""

    def call(*arguments: object) -> str:
        before = contents(here)
        said = refused(*arguments)
        assert contents(here) == before
        return said

    return call


def images(folder: Path, count: int = 12, size: int = 6, dtype: Any = np.uint8, high: int = 256) -> None:
    folder.mkdir()
    random = np.random.default_rng(0)
    for i in range(count):
        Image.fromarray(random.integers(0, high, (size, size)).astype(dtype)).save(folder / f"{i}.png")


def copy_of(run: Path, folder: Path) -> Path:
    """A run that a test may damage."""
    return Path(shutil.copytree(run, folder / "copy"))


# Data.


def test_a_missing_path(untouched: Call) -> None:
    assert "nowhere/x.npy does not exist" in untouched("train", "nowhere/x.npy")


def test_a_name_that_is_nearly_one(untouched: Call) -> None:
    assert 'Did you mean "mnist"?' in untouched("train", "mnits")


def test_an_empty_folder(here: Path, untouched: Call) -> None:
    (here / "empty").mkdir()
    assert "holds no images" in untouched("train", "empty")


def test_a_damaged_image_is_named_and_can_be_skipped(here: Path, untouched: Call, vaekit: Call) -> None:
    images(here / "photos")
    whole = (here / "photos" / "7.png").read_bytes()
    (here / "photos" / "7.png").write_bytes(whole[: len(whole) // 2])
    assert "photos/7.png" in untouched("train", "photos", *TINY)
    done = vaekit("check", "photos", "--skip-bad", "--json")
    assert sum(done.facts["parts"].values()) == 11
    assert any("1 file skipped" in note and "7.png" in note for note in done.facts["notes"])
    assert vaekit("train", "photos", "--skip-bad", *TINY, "--out", "run").code == 0


def test_sixteen_bits_keep_their_range(here: Path, vaekit: Call) -> None:
    images(here / "deep", dtype=np.uint16, high=65536)
    facts = vaekit("check", "deep", "--json").facts
    assert facts["levels"] == 65536
    assert facts["raw_range"][1] > 60000
    assert vaekit("train", "deep", *TINY, "--out", "run").code == 0


def test_a_bomb_of_a_hundred_megapixels(here: Path, untouched: Call) -> None:
    images(here / "photos")

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 10_000, 10_000, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(10_001) * 10_000, 9)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    (here / "photos" / "bomb.png").write_bytes(bomb)
    said = untouched("train", "photos", *TINY)
    assert "bomb.png" in said
    assert "megapixels" in said


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite(value: float, here: Path, untouched: Call) -> None:
    x = np.random.default_rng(0).normal(size=(30, 4))
    x[5, 2] = value
    np.save("x.npy", x)
    said = untouched("train", "x.npy", *TINY)
    assert "not finite" in said
    assert "(5, 2)" in said


@pytest.mark.parametrize(
    ("x", "word"),
    [
        (np.array([["a", "b"]] * 30), "type"),
        (np.zeros((30, 4), complex), "type"),
        (np.zeros(30), "shape"),
        (np.zeros((0, 4)), "empty"),
        (np.ones((1, 4)), "1 example"),
        (np.zeros((30, 7, 9, 9), np.uint8), "shape"),
    ],
    ids=["text", "complex", "one axis", "no row", "one row", "seven channels"],
)
def test_an_array_of_the_wrong_kind(x: np.ndarray, word: str, here: Path, untouched: Call) -> None:
    np.save("x.npy", x)
    assert word in untouched("train", "x.npy", *TINY)


@pytest.mark.parametrize("name", ["x.npy", "x.pt", "x.pkl"])
def test_a_pickle_as_data_is_never_opened(name: str, here: Path, untouched: Call) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.write_text, (Path("pwned"), "x"))

    if name == "x.npy":
        np.save(name, np.array([Bomb()] * 3, dtype=object), allow_pickle=True)
    else:
        (here / name).write_bytes(pickle.dumps(Bomb()))
    assert "pickle" in untouched("train", name, *TINY)
    assert not (here / "pwned").exists()


def test_a_truncated_array(here: Path, untouched: Call) -> None:
    np.save("x.npy", np.zeros((50, 4)))
    (here / "x.npy").write_bytes((here / "x.npy").read_bytes()[:-100])
    assert "cut off" in untouched("train", "x.npy", *TINY)


def test_a_bernoulli_over_raw_values_is_refused_before_the_first_step(here: Path) -> None:
    model = vk.VAE(
        posterior=vk.DiagonalGaussian(vk.MLP(6, 8), latent=2), prior=vk.StandardNormal(2),
        likelihood=vk.Bernoulli(vk.MLP(2, 8), event_shape=6),
    )  # fmt: skip
    with pytest.raises(UserError, match="Bernoulli"):
        vk.train(np.random.default_rng(0).integers(-300, 300, (50, 6)), recipe=model, out="run", quiet=True)
    assert not (here / "run").exists()


# Options.


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "digits", "--recipe", "vea"], 'There is no recipe "vea". Did you mean "vae"?'),
        (["train", "digits", "--epoch", 3], "train has no option --epoch. Did you mean --epochs?"),
        (["train", "digits", "--recipe", "vae", "--laten", 3], "Did you mean --latent?"),
        (["train", "digits", "--recipe", "vae", "--num-codes", 3], "It belongs to recipe"),
        (["tarin", "digits"], 'There is no verb "tarin". Did you mean "train"?'),
        (["train", "digits", "--epochs", "many"], '--epochs: a whole number is expected; "many" came'),
        (["train", "digits", "--epochs", "1.5"], '--epochs: a whole number is expected; "1.5" came'),
        (["train", "digits", "--epochs", 0], "epochs must be at least 1; 0 came"),
        (["train", "digits", "--batch-size", 0], "batch_size must be at least 1"),
        (["train", "digits", "--learning-rate", "nan"], "learning_rate must be above 0"),
        (["train", "digits", "--recipe", "vae", "--latent", 0], "at least 1; 0 came"),
        (["train", "digits", "--recipe", "conv", "--width", 0], "at least 1"),
        (["train", "digits", "--batch-size", 5000], "batch_size 5000 is larger than the training part"),
        (["train", "digits", "--device", "gpu"], 'There is no device "gpu"'),
        (["train", "digits", "--valid", "1.5"], "valid is a share below 1 or a whole number"),
        (["train", "digits", "--optimizer", "sgd"], '--optimizer'),
        (["train", "digits", "mnist"], 'train takes no further argument; "mnist" came'),
        (["train"], "DATA is missing"),
        (["train", "digits", "--out"], "--out needs a value"),
        (["sample"], "RUN is missing"),
        (["sample", "runs/digits-9"], "There is no run at runs/digits-9."),
        (["compare", "a"], "two runs or more"),
        (["--frobnicate"], "A verb comes first"),
    ],
    ids=lambda value: " ".join(map(str, value)) if isinstance(value, list) else "",
)
def test_an_option_that_does_not_fit(arguments: list[Any], sentence: str, untouched: Call) -> None:
    assert sentence in untouched(*arguments)


def test_with_json_the_error_is_an_object(here: Path, vaekit: Call) -> None:
    done = vaekit("train", "digits", "--recipe", "vea", "--json")
    assert done.code == 2
    assert done.facts == {"error": 'There is no recipe "vea". Did you mean "vae"?'}


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ('[data]\ndata = "digits"\n[training]\nepoch = 3', '[training] has no key "epoch". Did you mean "epochs"?'),
        ('[data]\ndata = "digits"\nlimits = 3', '[data] has no key "limits". Did you mean "limit"?'),
        ('[data]\ndata = "digits"\n[trainig]\nepochs = 3', 'no table "trainig". Did you mean "training"?'),
        ('[data]\ndata = "digits"\n[recipe]\nname = "vae"\nlaten = 3', 'no option "laten" of recipe vae. Did you mean'),
        ("[training]\nepochs = 3", "[data]"),
        ("[training\nepochs = 3", "not valid TOML"),
        ('data = "digits"', "data must be a table"),
        ('[data]\ndata = "digits"\n[training]\nepochs = "many"', "epochs='many' does not fit"),
    ],
)
def test_a_config_with_a_fault(text: str, sentence: str, here: Path, untouched: Call) -> None:
    (here / "my.toml").write_text(text)
    assert sentence in untouched("train", "--config", "my.toml")


# Runs.


def test_a_config_that_contradicts_its_checkpoint(runs: Path, here: Path, untouched: Call) -> None:
    run = copy_of(runs / "vae", here)
    config = run / "config.toml"
    config.write_text(config.read_text().replace("learning_rate = 0.006", "learning_rate = 0.5"))
    said = untouched("train", "--resume", "copy")
    assert "training.learning_rate: 0.006 in the checkpoint, 0.5 now" in said


def test_resume_takes_no_other_options(runs: Path, untouched: Call) -> None:
    said = untouched("train", "--resume", runs / "vae", "--epochs", 9)
    assert "leave --epochs out" in said
    assert "--config" in said


@pytest.mark.parametrize("name", ["model.pt", "model.pkl", "model.ckpt"])
def test_a_pickle_as_a_model_is_never_opened(name: str, here: Path, untouched: Call) -> None:
    torch.save({"w": torch.zeros(1)}, name)
    for verb in ("sample", "embed", "evaluate", "show"):
        assert "can execute code" in untouched(verb, name)


@pytest.mark.parametrize("how", ["truncated", "tampered", "emptied", "removed"])
def test_damaged_weights(how: str, runs: Path, here: Path, untouched: Call) -> None:
    weights = copy_of(runs / "vae", here) / "model.safetensors"
    content = bytearray(weights.read_bytes())
    if how == "removed":
        weights.unlink()
    elif how == "tampered":
        content[-3] ^= 255
        weights.write_bytes(content)
    else:
        weights.write_bytes(content[: len(content) // 2 if how == "truncated" else 0])
    said = untouched("sample", "copy", "-o", "x.png")
    assert {"tampered": "was changed", "removed": "has no model yet"}.get(how, "truncated or damaged") in said


def test_damaged_descriptions(runs: Path, here: Path, untouched: Call) -> None:
    run = copy_of(runs / "vae", here)
    config = json.loads((run / "config.json").read_text())
    config["model"]["type"] = "os.system"
    (run / "config.json").write_text(json.dumps(config))
    assert "unknown part 'os.system'" in untouched("sample", "copy")
    (run / "config.json").write_text("{")
    assert "not readable JSON" in untouched("sample", "copy")


def test_a_run_is_never_written_over(runs: Path, refused: Call) -> None:
    before = contents(runs / "vae")
    assert "already exists" in refused("train", "digits", *TINY, "--out", runs / "vae")
    assert contents(runs / "vae") == before


def test_a_run_that_another_process_writes(runs: Path, here: Path, refused: Call, vaekit: Call) -> None:
    from filelock import FileLock

    run = copy_of(runs / "vae", here)
    (run / "results.json").unlink()
    with FileLock(run / ".lock"):
        assert "being written by another process" in refused("train", "--resume", "copy")
        assert vaekit("show", "copy", "--json").facts["state"] == "training"
    assert vaekit("show", "copy", "--json").facts["state"] == "stopped"


@pytest.mark.parametrize("parent", ["/proc", "file"])
def test_a_folder_that_cannot_be_written(parent: str, runs: Path, here: Path, untouched: Call) -> None:
    (here / "file").write_text("a file")
    if not Path(parent).exists():
        pytest.skip("this system has no /proc")
    assert "cannot be written" in untouched("train", "digits", *TINY, "--out", f"{parent}/sub/run")
    said = untouched("sample", runs / "vae", "-o", f"{parent}/sub/x.png")
    assert "cannot be written" in said or "could not be" in said


def test_examples_that_do_not_fit_the_model(runs: Path, here: Path, untouched: Call) -> None:
    np.save("wide.npy", np.zeros((3, 9, 9), np.uint8))
    np.save("bright.npy", np.full((3, 8, 8), 200, np.uint8))
    np.save("one.npy", np.zeros((3, 8, 8), np.uint8))
    assert "(1, 9, 9); this model takes (1, 8, 8)" in untouched("embed", runs / "vae", "wide.npy")
    assert "200 to 200; this model takes 0 to 16" in untouched("embed", runs / "vae", "bright.npy")
    assert "needs a label" in untouched("embed", runs / "cond", "one.npy")
    assert "does not exist" in untouched("embed", runs / "vae", "nowhere.png")
    (here / "broken.png").write_bytes(b"\x89PNG\r\n")
    assert "broken.png cannot be used" in untouched("embed", runs / "vae", "broken.png")
    assert "is an image" in untouched("embed", runs / "table", "broken.png")


def test_labels_where_there_are_none(runs: Path, untouched: Call) -> None:
    assert "not trained on labels" in untouched("sample", runs / "vae", "--label", 3)
    assert 'There is no class "ten"' in untouched("sample", runs / "cond", "--label", "ten")
    assert "needs labels" in untouched("train", runs / "values.npy", "--recipe", "vae", "--conditional")


@pytest.mark.parametrize("name", ["codes.pt", "codes", "codes.jpg", "codes.csvv"])
def test_an_unknown_suffix(name: str, runs: Path, untouched: Call) -> None:
    assert ".csv, .npy, .npz" in untouched("embed", runs / "vae", "-o", name)
