"""Data ten times larger than the memory limit: bounded memory, the speed beside resident data, a kill in mid-epoch.

    python benchmarks/streaming.py arrays|images [--limit 1.0] [--read 1.2] [--folder /tmp]

The limit (GB, `ulimit -d`: heap and anonymous memory, of which the libraries take a fifth or so) holds for the process
that trains. It trains on array shards, 28 by 28 pixels, or on a folder of PNG files, 512 by 512 in colour, of ten times
the limit (when decoded), until it has read so many GB of it; networks are small, so that reading counts. Then again,
killed with -9 on its way and continued: the checkpoint must be the same to the bit. Pixels are made up. Half of the
shards are links to the others, and the folder's files are links to 32 pictures, which spares the disk: a link is read
as a file is.

The speed is that of the same steps on the same shard, streamed and resident in turns in one process: processor time,
the readers' included. A processor that others use makes wall-clock figures worthless; those stand beside.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from log import logged

HERE = Path(__file__).resolve()
SMALL = [
    "--recipe",
    "vae",
    "--latent",
    "4",
    "--epochs",
    "1",
    "--device",
    "cpu",
    "--quiet",
    "--precision",
    "float32",
]
ARRAYS = [*SMALL, "--hidden", "16", "--batch-size", "512"]
IMAGES = [*SMALL, "--hidden", "2", "--batch-size", "2"]
PIXELS = 512
PEAK = "print(next(l for l in open('/proc/self/status') if l.startswith('VmHWM')).split()[1])"


class StoppedError(BaseException):
    """The training went as far as it was to go."""


def work(argv: list[str], stop: int, die: int) -> None:
    """In a process of its own: train up to a step of the first epoch, or die some steps behind a checkpoint."""
    from vaekit.cli import main
    from vaekit.training.loop import Training

    real = Training.step

    def step(self: Any, index: Any) -> None:
        real(self, index)
        done = self.progress.step
        if die and done == die - 37:
            self.save()
        if done == die:
            os.kill(os.getpid(), signal.SIGKILL)
        if done == stop:
            self.save()
            raise StoppedError

    Training.step = step  # type: ignore[method-assign]
    code = 0
    try:
        code = main(argv)
    except StoppedError:
        exec(PEAK)
    sys.exit(code)


def train(argv: list[str], limit: float, stop: int, die: int = 0) -> subprocess.CompletedProcess:
    """Train under the limit."""

    def narrow() -> None:
        resource.setrlimit(resource.RLIMIT_DATA, (int(limit * 1e9),) * 2)

    command = [sys.executable, str(HERE), "--work", json.dumps([argv, stop, die])]
    return subprocess.run(command, capture_output=True, text=True, preexec_fn=narrow)


def peak(code: str) -> float:
    """GB that a process needed at most."""
    found = subprocess.run(
        [sys.executable, "-c", f"{code}\n{PEAK}"], capture_output=True, text=True, check=True
    )
    return int(found.stdout) * 1024 / 1e9


def write_shards(folder: Path, total: float) -> None:
    """Ten .npy files of uint8 images, GB in all, five of them links to the others."""
    folder.mkdir()
    rows = int(total * 1e8 / 784)
    block = np.random.default_rng(0).integers(0, 256, rows * 784, dtype=np.uint8)
    for i in range(5):
        with open(folder / f"{i}.npy", "wb") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": (rows, 28, 28)}
            np.lib.format.write_array_header_1_0(file, header)
            file.write(block[7919 * i :])
            file.write(block[: 7919 * i])
        (folder / f"{i + 5}.npy").hardlink_to(folder / f"{i}.npy")


def write_images(folder: Path, total: float) -> None:
    """PNG files, 0.8 MB each when decoded, GB in all."""
    from PIL import Image

    folder.mkdir()
    random, count = np.random.default_rng(0), int(total * 1e9 / (3 * PIXELS**2))
    for i in range(32):
        coarse = Image.fromarray(random.integers(0, 256, (8, 8, 3), dtype=np.uint8))
        coarse.resize((PIXELS, PIXELS)).save(folder / f"{i:06}.png")
    for i in range(32, count):
        (folder / f"{i:06}.png").hardlink_to(folder / f"{i % 32:06}.png")


def digest(run: Path) -> str:
    return sha256((run / "checkpoints" / "last.safetensors").read_bytes()).hexdigest()[:16]


def bounded(what: str, data: Path, how: list[str], limit: float, read: float, folder: Path) -> None:
    """Train on data that stays in its files, under the limit; kill and continue."""
    size = int(how[-1]) * (784 if what == "arrays" else 3 * PIXELS**2)
    stop = max(80, int(read * 1e9 / size))
    streamed, base = [*how, "--stream", "always"], peak("import torch")
    whole = train(["train", str(data), *streamed, "--out", str(folder / f"{what}-whole")], limit, stop)
    if whole.returncode:
        raise SystemExit(whole.stderr)
    most = int(whole.stdout.split()[-1]) * 1024 / 1e9
    print(f"{what}: {stop:,} steps, {stop * size / 1e9:.2f} GB read; resident at most {most:.2f} GB, "
          f"{most - base:.2f} beyond importing torch")  # fmt: skip
    out = folder / f"{what}-killed"
    killed = train(["train", str(data), *streamed, "--out", str(out)], limit, stop, die=stop // 2)
    again = train(["train", "--resume", str(out), "--device", "cpu", "--quiet"], limit, stop)
    same = digest(out) == digest(folder / f"{what}-whole")
    print(f"{what}: killed at step {stop // 2:,} (exit {killed.returncode}), continued from step {stop // 2 - 37:,} "
          f"(exit {again.returncode}): checkpoint at step {stop:,} {'identical' if same else 'DIFFERENT'} "
          f"({digest(out)})")  # fmt: skip
    resident = train(["train", str(data), *how, "--stream", "never", "--out", str(folder / "x")], limit, stop)
    print(
        f"{what}: --stream never under the same limit: exit {resident.returncode}: {resident.stderr.strip()[-200:]}"
    )


def speed(data: Path, folder: Path, rounds: int = 8) -> None:
    """Steps on the same shard, streamed and resident in turns."""
    steps, common = 40, {"precision": "float32"}
    for what, options in (
        ("784-400-20, batch 128", {"hidden": 400, "latent": 20, "batch_size": 128, **common}),
        ("784-16-4, batch 512", {"hidden": 16, "latent": 4, "batch_size": 512, **common}),
    ):
        taking = {
            how: steps_on(data, folder / f"{how}-{options['hidden']}", {**options, "stream": how})
            for how in ("never", "always")
        }
        cpu: dict[str, list[float]] = {"never": [], "always": []}
        wall: dict[str, list[float]] = {"never": [], "always": []}
        for _ in range(rounds):
            for how, step in taking.items():
                begun = time.process_time(), time.perf_counter()
                for _ in range(steps):
                    next(step)
                cpu[how].append(1e3 * (time.process_time() - begun[0]) / steps)
                wall[how].append(1e3 * (time.perf_counter() - begun[1]) / steps)
        ratio = [
            statistics.median(a / b for a, b in zip(t["never"][1:], t["always"][1:])) for t in (cpu, wall)
        ]
        mid = {how: statistics.median(cpu[how][1:]) for how in cpu}
        print(f"{what}: a step takes {mid['never']:.2f} ms resident, {mid['always']:.2f} ms streamed (processor time); "
              f"speed {ratio[0]:.2f} of resident, by wall clock {ratio[1]:.2f}")  # fmt: skip


def steps_on(data: Path, out: Path, options: dict[str, Any]) -> Any:
    """One training step after the other."""
    import torch

    from vaekit import api
    from vaekit.run import Run
    from vaekit.training.loop import Training

    plan = api.make_plan(data, "vae", None, options, 0)
    run = Run.create(out, "x", plan.config)
    training = Training(
        run, plan.model, plan.objective, plan.data, plan.settings, seed=0, device=torch.device("cpu")
    )
    training.model.train()
    batches = training.order_of_epoch().split(plan.settings.batch_size)
    for index in training.train_part.ahead(batches):
        training.step(index)
        yield


def decoding(folder: Path) -> None:
    """What a picture costs to decode, beside what a step on it costs."""
    from vaekit.data import open_data

    part = open_data(folder, stream="always").train
    decoder, tasks = part.rows.readers.decoder, [part.rows.tasks[i] for i in range(200)]
    begun = time.process_time()
    for task in tasks:
        decoder.decode(task)
    print(f"images: decoding takes {1e3 * (time.process_time() - begun) / 200:.2f} ms of a core for each, "
          "in worker processes beside the step")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("set", nargs="?", choices=["arrays", "images"], default="arrays")
    parser.add_argument("--limit", type=float, default=1.0, help="GB")
    parser.add_argument("--read", type=float, default=1.2, help="GB")
    parser.add_argument("--folder", help="where the files are made, and removed again")
    parser.add_argument("--work", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        return work(*json.loads(arguments.work))
    what = arguments.set
    write, how = (write_shards, ARRAYS) if what == "arrays" else (write_images, IMAGES)
    limit = arguments.limit
    with logged(f"streaming-{what}"), tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        folder = Path(name)
        write(folder / what, 10 * limit)
        print(f"{what}: {10 * limit:.1f} GB when decoded, limit {limit:.2f} GB")
        bounded(what, folder / what, how, limit, arguments.read, folder)
        if what == "arrays":
            speed(folder / what / "0.npy", folder)
        else:
            decoding(folder / what)
    return None


if __name__ == "__main__":
    main()
