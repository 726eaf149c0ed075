"""The classic 784-400-20 VAE on grey MNIST: test loss an image (summed cross-entropy + KL) after 10, 20 and 50 epochs.

    python benchmarks/classic.py [--epochs 10 20 50] [--seeds 0]

Every figure is of a run of its own, all 10,000 test images, one draw of z each; first with the usual settings, Adam at
1e-3, batches of 128, float32 (`vaekit train mnist --recipe vae --batch-size 128 --learning-rate 1e-3 --schedule
constant --warmup-steps 0 --precision float32 --epochs N`); then as `vaekit train mnist --recipe vae --epochs N` comes.
"""

from __future__ import annotations

import argparse
import itertools
import tempfile
from typing import Any

from log import logged

import vaekit

USUAL: dict[str, Any] = {
    "batch_size": 128,
    "learning_rate": 1e-3,
    "schedule": "constant",
    "warmup_steps": 0,
    "precision": "float32",
}
LIMITS = {10: 105.7, 20: 103.95, 50: 102.1}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, nargs="*", default=[10, 20, 50])
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    arguments = parser.parse_args()
    with logged("classic"), tempfile.TemporaryDirectory() as folder:
        print("settings       epochs  seed  test loss (nats an image)  asked for")
        cases: list[tuple[str, dict[str, Any]]] = [("usual", USUAL), ("as they come", {})]
        for (name, options), seed in itertools.product(cases, arguments.seeds):
            for epochs in arguments.epochs:
                out = f"{folder}/vae-{name}-{epochs}-{seed}"
                run = vaekit.train(
                    "mnist", recipe="vae", epochs=epochs, seed=seed, out=out, quiet=True, **options
                )
                test = run.load_data().test
                results = vaekit.evaluate(run.load_model(), test, num_samples=0)
                shown = f"{results['loss']:.2f} ± {results['elbo_se']:.2f}"
                print(f"{name:13}  {epochs:6d}  {seed:4d}  {shown:>25}  at most {LIMITS.get(epochs, float('nan'))}")


if __name__ == "__main__":
    main()
