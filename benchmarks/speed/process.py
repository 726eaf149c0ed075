"""Whole processes by the clock: `import vaekit`, `vaekit --help`, and the start of a training until its first step.

python benchmarks/speed/process.py [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from log import logged

FIRST_STEP = """
import sys
from vaekit.training import loop
step = loop.Training.step
def stop(self, index):
    step(self, index)
    sys.exit(0)
loop.Training.step = stop
import vaekit
vaekit.train("mnist", recipe="vae", out=sys.argv[1], quiet=True)
"""


def seconds(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    me = sys.executable
    with logged("process"), tempfile.TemporaryDirectory() as folder:
        commands = {
            "python -c pass": lambda i: [me, "-c", "pass"],
            "import torch": lambda i: [me, "-c", "import torch"],
            "import vaekit": lambda i: [me, "-c", "import vaekit"],
            "vaekit --help": lambda i: [me, "-m", "vaekit", "--help"],
            "train mnist, to the first step": lambda i: [me, "-c", FIRST_STEP, f"{folder}/{i}"],
        }
        found: dict[str, list[float]] = {name: [] for name in commands}
        for i in range(rounds):
            for name, command in commands.items():
                found[name].append(seconds(command(i)))
        for name, times in found.items():
            print(f"{name:32} {statistics.median(times):6.2f} s  ({min(times):.2f} to {max(times):.2f})")


if __name__ == "__main__":
    main()
