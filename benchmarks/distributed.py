"""Two processes against one, on binarized MNIST: the same weights, losses, figures; kills; other numbers of processes.

    python benchmarks/distributed.py [--limit 1024] [--epochs 2] [--recipes vae hvae vqvae]

Two processes are started by torchrun and speak by gloo over the loopback device; a batch is shared out between them.
They add up gradients in another order than one process does, so that sums differ in their last bit, and a training
makes more of it with every step. In float64 what is left shows that the same is computed (codebooks compute in float32
always, and codes flip); a single process whose initial weights were nudged by one bit of float32 shows what the same
rounding does to it.

A run is stopped in the middle of its second epoch and continued on another number of processes, with a checkpoint of
one file and with one in shards. One of two processes is killed with -9. Figures and pictures at the end of a training
are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from log import logged
from two import in_two

HERE = Path(__file__).resolve()
FILES = ("model.safetensors", "checkpoints/last.safetensors", "metrics.jsonl")


class StoppedError(BaseException):
    """A training was left in the middle of an epoch, a checkpoint behind it."""


# In the processes that train.


def carry_out(jobs: list[dict[str, Any]]) -> None:
    """Train, continue, stop, kill or ask a verb, one job after the other."""
    import torch

    from vaekit import api
    from vaekit.cli import main
    from vaekit.data.dataset import Part
    from vaekit.training.loop import Training

    api.finish = api.replace_prior = lambda *args: None
    real, real_x = Training.step, Part._x
    for job in jobs:
        Training.step = interrupted(real, job)
        torch.set_default_dtype(torch.float64 if job.get("double") else torch.float32)
        Part._x = (lambda *args: real_x(*args).double()) if job.get("double") else real_x
        with contextlib.suppress(StoppedError), contextlib.redirect_stdout(io.StringIO()) as out:
            code = main([*job["verb"], "--device", "cpu"])
            if code:
                sys.exit(code)
        if "answer" in job and os.environ.get("RANK", "0") == "0":
            Path(job["answer"]).write_text(out.getvalue())
    Training.step = real


def interrupted(real: Callable, job: dict[str, Any]) -> Callable:
    """A step, after which the training is left at the place `stop` (epoch, step); before which the process of rank
    die[2] is killed at the place (die[0], die[1]); and before the first of which the weights are nudged."""
    stop, die = job.get("stop"), job.get("die")

    def step(self: Any, index: Any) -> None:
        place = [self.progress.epoch, self.progress.step]
        if die and place == die[:2] and os.environ["RANK"] == str(die[2]):
            os.kill(os.getpid(), signal.SIGKILL)
        if job.get("nudge") and place == [0, 0]:
            for weight in self.model.parameters():
                weight.data.mul_(1 + 2**-23)
        real(self, index)
        if stop and [self.progress.epoch, self.progress.step] == stop:
            self.save()
            raise StoppedError

    return step


def two(jobs: list[dict[str, Any]], folder: Path) -> tuple[int, str]:
    """The jobs in two processes of torchrun; its exit code, and what they said."""
    (folder / "jobs.json").write_text(json.dumps(jobs))
    found = subprocess.run(
        [*in_two(HERE), "--jobs", str(folder / "jobs.json")], capture_output=True, text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    return found.returncode, found.stderr


# What is compared.


def difference(one: Path, other: Path) -> float:
    """The largest difference of a weight."""
    from vaekit.weights import read_tensors

    a, b = (read_tensors(run / "model.safetensors")[0] for run in (one, other))
    return max(float((a[name].double() - b[name].double()).abs().max()) for name in a)


def losses(run: Path, part: str) -> str:
    """Loss of each epoch, nats an example."""
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    return "  ".join(f"{record[part]['loss']:.6f}" for record in records)


def hashes(run: Path) -> list[str]:
    return [hashlib.sha256((run / name).read_bytes()).hexdigest()[:12] for name in FILES]


def leaves(value: Any, name: str = "") -> dict[str, Any]:
    """The numbers of a JSON object by dotted name."""
    if isinstance(value, dict):
        return {k: v for key, below in value.items() for k, v in leaves(below, f"{name}.{key}").items()}
    return {name: value} if isinstance(value, int | float) and not isinstance(value, bool) else {}


def compare_runs(folder: Path, recipes: list[str]) -> None:
    for recipe in recipes:
        title = (
            "loss of train and valid part after each epoch, largest difference of a weight from one process"
        )
        print(f"\n{recipe}: {title}")
        for label, end, against in (
            ("float64, one process", "1d", ""), ("float64, two", "2d", "1d"),
            ("float32, one process", "1", ""), ("float32, two", "2", "1"), ("float32, two, --shard", "s", "1"),
            ("float32, one, nudged", "n", "1"),
        ):  # fmt: skip
            run = folder / f"{recipe}-{end}"
            gap = f"   {difference(folder / f'{recipe}-{against}', run):.1e}" if against else ""
            print(f"  {label:<22} {losses(run, 'train')}   {losses(run, 'valid')}{gap}")


def compare_moves(folder: Path, first: str) -> None:
    print(f"\n{first}, stopped in the middle of epoch 2, continued on another number of processes")
    for start, end, kind in (
        ("1", "2", "one file"),
        ("2", "1", "one file"),
        ("1s", "2", "shards"),
        ("2s", "1", "shards"),
    ):
        gap = difference(folder / f"{first}-1", folder / f"from-{start}")
        print(
            f"  from {start[0]} to {end}, checkpoint in {kind:<8}  largest difference of a weight {gap:.1e}"
        )


def compare_verbs(folder: Path) -> None:
    import numpy as np

    one, both = (leaves(json.loads((folder / f"evaluate-{n}.json").read_text())) for n in "12")
    gaps = {name: abs(both[name] - one[name]) / max(1.0, abs(one[name])) for name in one}
    worst = max(gaps, key=gaps.__getitem__)
    print(f"\nevaluate: {len(one)} figures, elbo {one['.elbo']:.4f} and {both['.elbo']:.4f}, "
          f"largest relative difference {gaps[worst]:.1e} ({worst[1:]})")  # fmt: skip
    a, b = (np.load(folder / f"codes-{n}.npy", allow_pickle=False) for n in "12")
    print(f"embed: codes {a.shape}, largest difference {np.abs(a - b).max():.1e}")


def kill(folder: Path, how: list[str], whole: Path, place: list[int]) -> None:
    """One of two is killed, both continue."""
    runs = [folder / "killed-0", folder / "killed-1"]
    for lost, run in enumerate(runs):
        code, said = two([{"verb": ["train", *how, "--out", str(run)], "die": [*place, lost]}], folder)
        spoken = [line for line in said.splitlines() if line.startswith("vaekit: ")]
        print(f"\nprocess {lost} of 2 killed in epoch 2: torchrun's exit code {code}; the other says:")
        print("  " + "\n  ".join(spoken or ["nothing"]))
    code, said = two([{"verb": ["train", "--resume", str(run), "--quiet"]} for run in runs], folder)
    if code:
        raise SystemExit(said)
    for run in runs:
        same = ["identical" if a == b else "DIFFERENT" for a, b in zip(hashes(run), hashes(whole))]
        print(f"{run.name}, continued by two: {', '.join(f'{n} {s}' for n, s in zip(FILES, same))}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--limit", type=int, default=1024)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--recipes", nargs="+", default=["vae", "hvae", "vqvae"])
    parser.add_argument("--jobs", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.jobs:
        return carry_out(json.loads(Path(arguments.jobs).read_text()))
    with logged("distributed"), tempfile.TemporaryDirectory() as name:
        show(Path(name), arguments)
    return None


def show(folder: Path, arguments: argparse.Namespace) -> None:
    common = ["mnist", "--binarize", "dynamic", "--precision", "float32"]
    common += ["--limit", str(arguments.limit), "--epochs", str(arguments.epochs)]
    hows = {recipe: [*common, "--recipe", recipe, "--quiet"] for recipe in arguments.recipes}
    first, middle = arguments.recipes[0], [1, arguments.limit // 128 // 2]

    def train(recipe: str, end: str, *more: str, **how: bool) -> dict[str, Any]:
        return {"verb": ["train", *hows[recipe], *more, "--out", str(folder / f"{recipe}-{end}")], **how}

    def begin(start: str, *more: str) -> dict[str, Any]:
        return {
            "verb": ["train", *hows[first], *more, "--out", str(folder / f"from-{start}")],
            "stop": middle,
        }

    def go_on(start: str) -> dict[str, Any]:
        return {"verb": ["train", "--resume", str(folder / f"from-{start}"), "--quiet"]}

    def verbs(num: int) -> list[dict[str, Any]]:
        run = str(folder / f"{first}-1")
        measured = [
            "evaluate",
            run,
            "--metrics",
            "likelihood,latents",
            "-k",
            "20",
            "--limit",
            "500",
            "--json",
        ]
        return [{"verb": measured, "answer": str(folder / f"evaluate-{num}.json")},
                {"verb": ["embed", run, "-o", str(folder / f"codes-{num}.npy")]}]  # fmt: skip

    carry_out([*(train(recipe, "1") for recipe in hows), *(train(recipe, "n", nudge=True) for recipe in hows),
               *(train(recipe, "1d", double=True) for recipe in hows),
               begin("1"), begin("1s", "--shard"), *verbs(1)])  # fmt: skip
    code, said = two(
        [*(train(recipe, "2") for recipe in hows), *(train(recipe, "s", "--shard") for recipe in hows),
         *(train(recipe, "2d", double=True) for recipe in hows),
         go_on("1"), go_on("1s"), *verbs(2), begin("2"), begin("2s", "--shard")], folder,
    )  # fmt: skip
    if code:
        raise SystemExit(said)
    carry_out([go_on("2"), go_on("2s")])
    print(
        f"binarized MNIST, {arguments.limit:,} examples of each part, batches of 128, {arguments.epochs} epochs"
    )
    compare_runs(folder, arguments.recipes)
    compare_moves(folder, first)
    compare_verbs(folder)
    kill(folder, hows[first], folder / f"{first}-2", middle)


if __name__ == "__main__":
    main()
