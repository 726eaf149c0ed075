"""Two latent layers against one, at equal epochs, on binarized MNIST (fixed binarization, its own validation part).

    python benchmarks/hierarchy.py [--epochs 20] [--seeds 0]

ELBO and importance-weighted NLL on the test part; `vae` is 784-400-20, `hvae` the two-layer recipe.
"""

from __future__ import annotations

import argparse
import tempfile

from log import logged

import vaekit


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0])
    arguments = parser.parse_args()
    with logged("hierarchy"), tempfile.TemporaryDirectory() as folder:
        print("recipe  seed  epochs  test ELBO (10,000 images)  NLL (1,000 random images, 500 samples)")
        for seed in arguments.seeds:
            for recipe in ("vae", "hvae"):
                out = f"{folder}/{recipe}-{seed}"
                run = vaekit.train(
                    "binarized-mnist", recipe=recipe, epochs=arguments.epochs, seed=seed, out=out, quiet=True
                )
                model, test = run.load_model(), run.load_data().test
                whole = vaekit.evaluate(model, test, num_samples=0)
                part = vaekit.evaluate(model, test, num_samples=500, limit=1000)
                print(
                    f"{recipe:6}  {seed:4d}  {arguments.epochs:6d}  {whole['elbo']:.2f} ± {whole['elbo_se']:.2f}"
                    f"{'':12}{part['nll']:.2f} ± {part['nll_se']:.2f}"
                )


if __name__ == "__main__":
    main()
