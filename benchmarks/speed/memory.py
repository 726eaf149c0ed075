"""Peak memory, each figure of a process of its own: a training on MNIST, and `evaluate` with more and more samples.

    python benchmarks/speed/memory.py [--samples 50 500 5000] [--images 200]

Peak resident size as the system counts it (`ru_maxrss`), less that of a process that only imports torch.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from log import logged

PEAK = "import resource; print('peak', resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024)"


def peak(code: str) -> int:
    """MiB that a Python process needed at most to run the code."""
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{PEAK}"], capture_output=True, text=True, check=True
    )
    return int(done.stdout.split("peak")[-1])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--samples", type=int, nargs="+", default=[50, 500, 5000])
    parser.add_argument("--images", type=int, default=200)
    arguments = parser.parse_args()
    with logged("memory"), tempfile.TemporaryDirectory() as folder:
        base = peak("import torch")
        print(f"import torch: {base} MiB; what follows is beyond that")
        train = (
            f"import vaekit; vaekit.train('mnist', recipe='vae', epochs=2, out='{folder}/run', quiet=True)"
        )
        alone = "import vaekit.api; vaekit.api.finish = lambda *args: None; " + train.replace("/run'", "/alone'")
        print(f"train mnist, recipe vae, 2 epochs: {peak(alone) - base} MiB")
        print(f"the same with its figures and pictures: {peak(train) - base} MiB")
        found = []
        for number in arguments.samples:
            code = (
                f"import vaekit; run = vaekit.Run.open('{folder}/run'); "
                "vaekit.evaluate(run.load_model(), run.load_data().test, "
                f"num_samples={number}, limit={arguments.images})"
            )
            found.append(peak(code) - base)
            print(f"evaluate, {number} importance samples, {arguments.images} images: {found[-1]} MiB")
        print(f"largest against smallest: {max(found) / min(found):.3f}")


if __name__ == "__main__":
    main()
