"""What many devices would take: constants measured here, constants stated, and the cost model between them.

    python benchmarks/scaling.py

Measured on this machine, in processor time, so that others who use it do not count: a training step of one process at
two sizes of batch, a step of each of two processes at the same global batch, an all-reduce of gloo between them, the
drawing of noise, the reading of arrays; counted: operations of a step, weights. The model of docs/scaling.md is checked
against the step of two processes, then asked about devices that are not here, whose constants are stated below.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from log import logged
from two import in_two

HERE = Path(__file__).resolve()
BATCH = 128


@dataclass(frozen=True)
class Device:
    """Stated, not measured: an accelerator of the H100 class in machines of eight, from data sheets."""

    peak: float = 990e12  # operations a second in bfloat16
    share: float = 0.30  # of the peak that convolutional training reaches
    memory: float = 80e9  # bytes
    inside: float = 300e9  # bytes a second to the next device of the same machine, of 450e9 promised
    between: float = 40e9  # bytes a second to the next machine, of 50e9 promised
    hop: tuple[float, float] = (5e-6, 15e-6)  # seconds a message, inside and between
    read: float = 1e9  # bytes a second of examples from storage, for each device
    draw: float = 20e9  # normal numbers a second
    group: int = 8  # devices of a machine


@dataclass(frozen=True)
class Work:
    """What a model asks for: weights, operations and bytes of one example, numbers drawn for it."""

    name: str
    weights: int
    operations: float
    bytes: int
    drawn: int


def ring(num: int, size: float, device: Device, passes: int = 2) -> float:
    """Seconds of an all-reduce: rings inside the machines, then a ring of machines for each device's own share."""
    inside, machines = min(num, device.group), max(1, num // device.group)
    return passes * (
        (inside - 1) / inside * size / device.inside + (inside - 1) * device.hop[0]
        + (machines - 1) / machines * size / inside / device.between + (machines - 1) * device.hop[1]
    )  # fmt: skip


def step_of(work: Work, num: int, batch: int, device: Device, *, shard: bool, same: bool) -> dict[str, float]:
    """Seconds of the parts of a step with `batch` examples on each of `num` devices, and of the whole."""
    compute = work.operations * batch / (device.peak * device.share)
    # In shards the weights are gathered twice and the gradients scattered once: half an all-reduce each.
    talk = ring(num, 4 * work.weights, device, passes=3 if shard else 2) if num > 1 else 0.0
    draws = work.drawn * batch * (num if same else 1) / device.draw
    read = work.bytes * batch / device.read
    # The backward pass, two thirds of the work, hides messages; reading hides behind the whole step.
    whole = max(compute + draws + max(0.0, talk - 2 / 3 * compute), read)
    return {"compute": compute, "talk": talk, "draws": draws, "read": read, "step": whole}


# Measured.


def processor_time(run: Callable[[], Any], times: int = 12) -> float:
    """Seconds of processor time, the median."""
    found = []
    for _ in range(times):
        begun = time.process_time()
        run()
        found.append(time.process_time() - begun)
    return statistics.median(found[2:])


def training_of(recipe: str, batch: int, out: Path) -> Any:
    """A training on made-up images, to take steps of."""
    import torch

    from vaekit import api
    from vaekit.run import Run
    from vaekit.training.distributed import first, join
    from vaekit.training.loop import Training

    device = join(torch.device("cpu"))
    pixels = np.random.default_rng(0).integers(0, 256, (4 * BATCH, 28, 28), dtype=np.uint8)
    options = {"batch_size": batch, "precision": "float32", "valid": 0.1, "test": 0.1}
    plan = api.make_plan(pixels, recipe, None, options, 0)
    run = Run(first(lambda: Run.create(out, "x", plan.config).path))
    training = Training(run, plan.model, plan.objective, plan.data, plan.settings, seed=0, device=device)
    training.model.train()
    return training


def step_time(recipe: str, batch: int, out: Path) -> tuple[float, int]:
    """Seconds of processor time of a step, in each process of those there are, and the number of weights."""
    training = training_of(recipe, batch, out)
    index = next(iter(training.team.own([training.order_of_epoch()[:batch]])))

    def step() -> None:
        training.step(index)
        training.progress.step = 0

    return processor_time(step), training.model.num_parameters


def beside_another(out: Path) -> None:
    """In each of two processes: its step, and what an all-reduce costs it."""
    import torch
    import torch.distributed as dist

    found: dict[str, Any] = {r: step_time(r, BATCH, out / f"two-{r}")[0] for r in ("vae", "conv")}
    for size in (2**10, 2**24):
        value = torch.zeros(size // 4)
        found[f"reduce {size}"] = processor_time(lambda v=value: dist.all_reduce(v))
    if os.environ["RANK"] == "0":
        (out / "two.json").write_text(json.dumps(found))


def operations_of(recipe: str, shape: tuple[int, ...], **options: Any) -> Work:
    """Counted on a step of two examples."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    from vaekit import api

    pixels = np.random.default_rng(0).integers(0, 256, (64, *shape), dtype=np.uint8)
    plan = api.make_plan(pixels, recipe, None, {**options, "precision": "float32"}, 0)
    plan.objective.bind(plan.model)
    x, y = plan.data.train.batch(torch.arange(2))
    with FlopCounterMode(display=False) as counter:
        trace = plan.model(x, y, plan.objective.num_samples)
        plan.objective(trace).total.backward()
    drawn = sum(layer.z.numel() for layer in trace.layers) // 2
    return Work(recipe, plan.model.num_parameters, counter.get_total_flops() / 2, int(np.prod(shape)), drawn)


def measure(folder: Path) -> None:
    """This machine's constants, and the model's word for two processes beside what they take."""
    import torch

    subprocess.run(
        [*in_two(HERE), str(folder)], check=True, capture_output=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    )
    two = json.loads((folder / "two.json").read_text())
    message = two["reduce 1024"]
    per_byte = (two["reduce 16777216"] - message) / 2**24
    print(f"all-reduce of two processes (gloo, loopback): {1e3 * message:.3f} ms and {1e9 * per_byte:.2f} ms a MB, "
          "of processor time of each")  # fmt: skip
    noise = processor_time(lambda: torch.randn(2**20)) / 2**20
    print(f"normal numbers: {1e-6 / noise:.0f} million a second of a core")
    print("\nstep, ms of processor time of each process; the batch is that of all processes together")
    line(HEAD_MEASURED, HEAD_MEASURED)
    for recipe in ("vae", "conv"):
        half, weights = step_time(recipe, BATCH // 2, folder / f"half-{recipe}")
        full, _ = step_time(recipe, BATCH, folder / f"full-{recipe}")
        said = half + message + per_byte * 4 * weights
        values = [1e3 * half, 1e3 * full, 1e3 * two[recipe], 1e3 * said, full / two[recipe], full / half]
        line(HEAD_MEASURED, [recipe, f"{weights:,}", *(f"{v:.2f}" for v in values[:4]), f"{4 * weights:,}",
                             *(f"{v:.2f}" for v in values[4:])])  # fmt: skip


HEAD_MEASURED = ("recipe", "  weights", "one, 64", "one, 128", "two, 128", "model says", "bytes reduced", "speed-up",
                 "without messages")  # fmt: skip
HEAD_PREDICTED = ("devices", "weights ", "draws", "compute", "messages", "drawing", "reading", "step ms", "   images/s",
                  "efficiency", "hours a billion", "GB of state")  # fmt: skip


def line(head: tuple[str, ...], cells: Sequence[str]) -> None:
    """One row of a table."""
    print("  ".join(cell.rjust(len(title)) for title, cell in zip(head, cells, strict=True)))


def predict(work: Work, device: Device, batch: int) -> None:
    """A table for growing numbers of devices."""
    print(f"\n{work.name}: {work.weights / 1e6:.1f} M weights, {work.operations / 1e9:.2f} G operations and "
          f"{work.bytes:,} bytes an image, {work.drawn:,} numbers drawn; {batch} images a device; "
          f"a billion images are {work.bytes / 1e3:.1f} TB")  # fmt: skip
    line(HEAD_PREDICTED, HEAD_PREDICTED)
    alone = step_of(work, 1, batch, device, shard=False, same=False)["step"]
    for num in (1, 8, 64, 1024):
        for shard, same in ((False, True), (False, False), (True, False)):
            if num == 1 and (shard or same):
                continue
            t = step_of(work, num, batch, device, shard=shard, same=same)
            rate, state = num * batch / t["step"], 16 * work.weights / (num if shard else 1) / 1e9
            line(HEAD_PREDICTED, [f"{num:,}", "sharded" if shard else "whole", "same" if same else "own",
                                  *(f"{1e3 * value:.3f}" for value in t.values()), f"{rate:,.0f}",
                                  f"{alone / t['step']:.2f}", f"{1e9 / rate / 3600:.3g}", f"{state:.3f}"])  # fmt: skip


def main() -> None:
    if "RANK" in os.environ:
        beside_another(Path(sys.argv[1]))
        return
    with logged("scaling"), tempfile.TemporaryDirectory() as name:
        measure(Path(name))
        device = Device()
        print(f"\nstated: {device}")
        conv = operations_of("conv", (64, 64, 3))
        ladder = operations_of("ladder", (64, 64, 3))
        deep = Work("a hierarchy of 1 G weights (stated)", 10**9, 600e9, 3 * 64**2, 100_000)
        for work, batch in ((conv, 1024), (ladder, 256), (deep, 32)):
            predict(work, device, batch)


if __name__ == "__main__":
    main()
