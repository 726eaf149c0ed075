"""Kill a training at random moments, resume it, and compare every file with those of an uninterrupted one.

    python benchmarks/kill.py [--kills 40]
    python benchmarks/kill.py --kills 8 --name kill-modes --compile always --precision bfloat16 --micro-batch 50

Each training is a process of its own, `python -m vaekit train digits ...`; a run is killed up to three times on its
way, also while it measures and draws. The weights, the checkpoint and the metrics must end with the same sha256. Other
options are those of the training.
"""

from __future__ import annotations

import argparse
import hashlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from log import logged

OPTIONS = ["--recipe", "vae", "--epochs", "12", "--ema", "0.9", "--binarize", "dynamic", "--seed", "3"]
FILES = ("model.safetensors", "checkpoints/last.safetensors", "metrics.jsonl")


def command(out: Path) -> list[str]:
    """Start the run, or continue it where its folder is there."""
    if out.exists():
        return [sys.executable, "-m", "vaekit", "train", "--resume", str(out)]
    return [sys.executable, "-m", "vaekit", "train", "digits", *OPTIONS, "--out", str(out)]


def hashes(out: Path) -> list[str]:
    return [hashlib.sha256((out / name).read_bytes()).hexdigest() for name in FILES]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--name", default="kill", help="of the log")
    arguments, more = parser.parse_known_args()
    OPTIONS.extend(more)
    random.seed(0)
    with logged(arguments.name), tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        whole = Path(folder, "whole")
        subprocess.run(command(whole), check=True, capture_output=True)
        seconds = time.perf_counter() - started
        expected = hashes(whole)
        print(
            f"uninterrupted: {seconds:.1f} s, " + ", ".join(f"{n} {h[:12]}" for n, h in zip(FILES, expected))
        )
        kills = runs = same = 0
        while kills < arguments.kills:
            out, moments = Path(folder, f"run-{runs}"), []
            for _ in range(3):
                child = subprocess.Popen(command(out), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                # Python and torch take the first half of a process's life to start; most kills fall into training.
                moment = random.uniform(0.3 * seconds, seconds)
                try:
                    child.wait(moment)
                except subprocess.TimeoutExpired:
                    child.send_signal(signal.SIGKILL)
                    child.wait()
                    moments.append(moment)
                else:
                    break
            subprocess.run(command(out), check=True, capture_output=True)
            equal = hashes(out) == expected
            runs, kills, same = runs + 1, kills + len(moments), same + equal
            print(
                f"run {runs}: killed after {', '.join(f'{m:.2f}' for m in moments) or 'nothing'} s: "
                f"{'identical' if equal else 'DIFFERENT'}"
            )
            shutil.rmtree(out)
        print(f"{kills} kills, {runs} runs, {same} identical to the bit")
    sys.exit(same != runs)


if __name__ == "__main__":
    main()
