"""One epoch of the classic 784-400-20 model on MNIST, ours and the peers side by side, in turns, on a quiet machine.

    python benchmarks/speed/compare.py [--rounds 7] [--pythae PYTHON] [--jax PYTHON] [--only NAME ...]

Every contender is a process of its own that has trained one epoch before the first round; in a round each trains one
epoch of the 60,000 images while the others wait. Medians over the rounds, and ratios to ours; a ratio within one round
cancels what the machine does meanwhile, so ratios are medians of those. Ours has oneDNN do the float32 products where
that is quicker and as exact, so the floor is shown with torch's own choice and with oneDNN. Peers take part where a
Python that has them is given (`pip install pythae`, `pip install jax optax`, each in an environment of its own).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from log import LOGS, logged  # noqa: E402

Contenders = dict[str, list[str]]


def contenders(pythae: str | None, jax: str | None) -> Contenders:
    """Name to command."""
    me = sys.executable
    fast = ["--precision", "bfloat16"]
    return {
        "script": [me, "script.py"],
        **({"pythae": [pythae, "peer_pythae.py"]} if pythae else {}),
        **({"jax": [jax, "peer_jax.py"]} if jax else {}),
        "ours": [me, "ours.py", "--batch-size", "128", "--precision", "float32"],
        "ours, bfloat16": [me, "ours.py", "--batch-size", "128", *fast],
        "ours, as it comes": [me, "ours.py"],
        "floor": [me, "floor.py"],
        "floor, oneDNN": [me, "floor.py", "--onednn"],
        "floor, bfloat16": [me, "floor.py", *fast],
        "floor, bfloat16, 512": [me, "floor.py", "--batch-size", "512", *fast],
    }


class Contender:
    """A process that trains an epoch when it is told to."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(
            command,
            cwd=HERE,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._read("ready")

    def epoch(self) -> float:
        """Seconds that one epoch took."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return float(self._read())

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()

    def _read(self, expected: str | None = None) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline().strip()
        if not line or (expected and line != expected):
            raise SystemExit(f"{' '.join(map(str, self.process.args))} ended with {self.process.wait()}.")  # type: ignore[arg-type]
        return line


def picture(seconds: dict[str, float]) -> None:
    from matplotlib.figure import Figure

    names = sorted(seconds, key=lambda name: seconds[name])
    figure = Figure(figsize=(7, 0.42 * len(names) + 0.8), layout="constrained")
    axes = figure.subplots()
    colours = [
        "#2a6f97" if n.startswith("ours") else "#b8b8b8" if n.startswith("floor") else "#d08c60"
        for n in names
    ]
    axes.barh(names[::-1], [seconds[n] for n in names][::-1], color=colours[::-1])
    axes.set_xlabel("seconds an epoch of 60,000 images")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(HERE.parent.parent / "docs" / "images" / "speed.png", dpi=130)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--pythae", help="a Python that has pythae")
    parser.add_argument("--jax", help="a Python that has jax and optax")
    parser.add_argument("--only", nargs="*")
    arguments = parser.parse_args()
    chosen = contenders(arguments.pythae, arguments.jax)
    if arguments.only:
        chosen = {name: chosen[name] for name in arguments.only}
    LOGS.mkdir(exist_ok=True)
    with logged("speed"):
        running = {name: Contender(command) for name, command in chosen.items()}
        rounds = [{name: one.epoch() for name, one in running.items()} for _ in range(arguments.rounds)]
        for one in running.values():
            one.close()
        medians = {name: statistics.median(r[name] for r in rounds) for name in running}
        print(
            f"{'contender':22} {'s an epoch':>10} {'fastest':>8} {'slowest':>8}   times ours   times ours as it comes"
        )
        for name, median in medians.items():
            all_of = [r[name] for r in rounds]
            ratios = [
                statistics.median(r[name] / r[other] for r in rounds) if other in running else float("nan")
                for other in ("ours", "ours, as it comes")
            ]
            print(
                f"{name:22} {median:10.3f} {min(all_of):8.3f} {max(all_of):8.3f} {ratios[0]:12.2f} {ratios[1]:15.2f}"
            )
        if not arguments.only:
            picture(medians)


if __name__ == "__main__":
    main()
