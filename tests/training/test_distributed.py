"""Two processes train, save, resume, measure and embed as one does."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from vaekit.training.distributed import LOST
from vaekit.weights import read_tensors

sys.path.insert(0, str(Path(__file__).parent))
import killing
from pair import job, together

pytestmark = pytest.mark.skipif(os.name != "posix", reason="kills processes by signal")

# Odd batches: two processes have unequal shares of each, and the last one is smaller.
COMMON = ["--limit", "256", "--batch-size", "51", "--precision", "float32"]
FLAT = [
    "--recipe",
    "vae",
    "--hidden",
    "64",
    "--latent",
    "4",
    "--ema",
    "0.9",
    "--clip-norm",
    "1",
    "--epochs",
    "3",
]
MODELS = {
    "flat": [*FLAT, *COMMON],
    "hierarchical": ["--recipe", "hvae", "--hidden", "32", "--latent", "4", "--epochs", "2", *COMMON],
    "vq": ["--recipe", "vqvae", "--width", "8", "--num-codes", "16", "--epochs", "2", *COMMON],
}
PLACE = {"epoch": 1, "step": 2}


def done(num, jobs, folder):
    """Let `num` processes do the jobs, all of them to their end."""
    ends = together(num, jobs, folder)
    assert [code for code, _ in ends] == [0] * num, ends
    assert not any("vaekit: " in said or "Warning" in said for _, said in ends), ends


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs of one process (`flat-1`, ...), of two (`flat-2`), of two with weights in shards (`flat-s`); some were
    stopped in mid-epoch and continued on the other number of processes (`from-2-to-1`)."""
    F = tmp_path_factory.mktemp("runs")
    models, flat = MODELS.items(), MODELS["flat"]

    def moved(start: str, *more: str) -> list:
        return [job("train_until", str(F / f"from-{start}"), *flat, *more, **PLACE)]

    done(1, [job("train", str(F / f"{name}-1"), *how) for name, how in models]
         + moved("1-to-2") + moved("1-to-2s", "--shard"), F)  # fmt: skip
    done(2, [job("train", str(F / f"{name}-2"), *how) for name, how in models]
         + [job("train", str(F / f"{name}-s"), *how, "--shard") for name, how in models]
         + [job("train", str(F / f"from-1-to-{end}")) for end in ("2", "2s")]
         + moved("2-to-1") + moved("2s-to-1", "--shard"), F)  # fmt: skip
    done(1, [job("train", str(F / f"from-{start}-to-1")) for start in ("2", "2s")], F)
    return F


def difference(one: Path, other: Path) -> float:
    """The largest difference between the weights of two runs."""
    a, b = (read_tensors(run / "model.safetensors")[0] for run in (one, other))
    assert a.keys() == b.keys()
    return max(float((a[name].double() - b[name].double()).abs().max()) for name in a)


def records(run: Path) -> list[dict]:
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def assert_same_losses(one: Path, other: Path) -> None:
    for a, b in zip(records(one), records(other), strict=True):
        for part in ("train", "valid"):
            assert b[part] == pytest.approx(a[part], rel=2e-6, abs=2e-6)


@pytest.mark.parametrize("name", MODELS)
def test_two_processes_find_the_weights_of_one(runs, name):
    assert difference(runs / f"{name}-1", runs / f"{name}-2") < 1e-5
    assert_same_losses(runs / f"{name}-1", runs / f"{name}-2")
    assert json.loads((runs / f"{name}-2" / "env.json").read_text())["processes"] == 2


@pytest.mark.parametrize("name", MODELS)
def test_weights_in_shards_give_the_same_losses(runs, name):
    assert_same_losses(runs / f"{name}-1", runs / f"{name}-s")
    assert difference(runs / f"{name}-1", runs / f"{name}-s") < 1e-5


def test_shards_are_shards(runs):
    """Each of the two wrote a part of the weights."""
    checkpoints = runs / "flat-s" / "checkpoints"
    folder = checkpoints / json.loads((checkpoints / "last.json").read_text())["folder"]
    sizes = [path.stat().st_size for path in folder.glob("*.safetensors")]
    whole = (runs / "flat-1" / "checkpoints" / "last.safetensors").stat().st_size
    assert len(sizes) == 2
    assert max(sizes) < 0.7 * whole


@pytest.mark.parametrize("way", ["1-to-2", "1-to-2s", "2-to-1", "2s-to-1"])
def test_a_checkpoint_continues_on_another_number_of_processes(runs, way):
    assert difference(runs / "flat-1", runs / f"from-{way}") < 1e-5
    assert_same_losses(runs / "flat-1", runs / f"from-{way}")


@pytest.mark.parametrize("lost", [0, 1])
def test_one_of_two_killed(runs, tmp_path, lost):
    """The other says what happened and leaves, and the run continues, to the bit."""
    out = str(tmp_path / "killed")
    ends = together(2, [job("train_and_die", out, *MODELS["flat"], rank=lost, **PLACE)], tmp_path)
    assert ends[lost] == (-signal.SIGKILL, "")
    code, said = ends[1 - lost]
    assert code == 2
    assert said.endswith(
        f"vaekit: {LOST}\n"
    )  # after what torch says where the first process, which keeps its store, is gone
    assert lost == 0 or said.count("\n") == 1
    assert len(records(tmp_path / "killed")) == 1
    done(2, [job("train", out)], tmp_path)
    assert killing.hashes(tmp_path / "killed") == killing.hashes(runs / "flat-2")


def flat(value, name=""):
    """A JSON object as pairs of a dotted name and what is there."""
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        return {k: v for key, below in items for k, v in flat(below, f"{name}.{key}").items()}
    return {name: value}


def test_measuring_and_embedding_are_shared_out(runs, tmp_path):
    for num in (1, 2):
        jobs = []
        for name in MODELS:
            run, made = str(runs / f"{name}-1"), tmp_path / f"{name}-{num}"
            jobs.append(
                job("verb", f"{made}.json", "evaluate", run, "--metrics", "likelihood,latents", "-k", "20")
            )
            jobs.append(job("verb", f"{made}-embed.json", "embed", run, "-o", f"{made}.npz"))
        done(num, jobs, tmp_path)
    for name in MODELS:
        one, two = (flat(json.loads((tmp_path / f"{name}-{num}.json").read_text())) for num in (1, 2))
        assert one[".elbo"] < 0
        assert two.keys() == one.keys()
        for key, value in one.items():
            is_number = isinstance(value, int | float)
            assert two[key] == (pytest.approx(value, rel=1e-5, abs=1e-5) if is_number else value), key
        with np.load(tmp_path / f"{name}-1.npz") as a, np.load(tmp_path / f"{name}-2.npz") as b:
            assert set(a) == set(b)
            for key in a:
                is_number = a[key].dtype.kind == "f"
                assert np.allclose(b[key], a[key], atol=1e-6) if is_number else np.array_equal(b[key], a[key])


def test_torchrun_starts_them(runs, tmp_path):
    """The command line that the documents name."""
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node",
        "2",
        "-m",
        "vaekit",
    ]
    again = ["train", "--config", str(runs / "flat-1" / "config.toml"), "--out", str(tmp_path / "run")]
    found = subprocess.run(
        [*command, *again, "--device", "cpu", "--json"],
        capture_output=True, text=True, timeout=300, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    assert json.loads(found.stdout)["epochs"] == 3  # one of them answers
    assert difference(runs / "flat-1", tmp_path / "run") < 1e-5
