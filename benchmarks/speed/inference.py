"""Encoding and decoding of the 784-400-20 model in images a second, beside the matrix products alone.

    python benchmarks/speed/inference.py [--batch-sizes 256 1024 4096] [--rounds 9]

Encoding is `model.embed`, from uint8 images to means; decoding is `model.decode(z).mean`. The floor is the products of
the same layers in the same precision. Rounds take turns; medians, and the median of the ratio within a round.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent.parent))

from log import logged

import vaekit
from vaekit.recipes.vae import vae

SECONDS = 0.4  # of each measurement


def rate(call: Callable[[], object], batch: int) -> float:
    """Images a second."""
    count, started = 0, time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        call()
        count += 1
    return count * batch / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[256, 1024, 4096])
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    torch.set_flush_denormal(True)
    data = vaekit.open_data("mnist")
    torch.manual_seed(0)
    model = vae(data.schema).model.eval()
    model.schema = data.schema
    with logged("inference"), torch.no_grad():
        print(f"{'images at once':>14} {'what':8} {'images/s':>10} {'floor':>10} {'of the floor':>13}")
        for batch in arguments.batch_sizes:
            raw = data.test.raw[torch.arange(batch) % len(data.test)]
            x, z = torch.rand(batch, 784), torch.randn(batch, 20)
            hidden = torch.rand(batch, 400)
            first, second = torch.randn(784, 400), torch.randn(400, 40)
            third, fourth = torch.randn(20, 400), torch.randn(400, 784)
            pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
                "encode": (
                    lambda raw=raw: model.embed(raw),
                    lambda x=x, h=hidden, a=first, b=second: (x @ a, h @ b),
                ),
                "decode": (
                    lambda z=z: model.decode(z).mean,
                    lambda z=z, h=hidden, a=third, b=fourth: (z @ a, h @ b),
                ),
            }
            for name, (call, floor) in pairs.items():
                rounds = [(rate(call, batch), rate(floor, batch)) for _ in range(arguments.rounds)]
                ours, least = (statistics.median(r[i] for r in rounds) for i in (0, 1))
                ratio = statistics.median(r[0] / r[1] for r in rounds)
                print(f"{batch:14} {name:8} {ours:10,.0f} {least:10,.0f} {ratio:13.2f}", flush=True)


if __name__ == "__main__":
    main()
