"""The autoencoder beside the VAE on MNIST: who reconstructs better, whose samples from the prior are better.

    python benchmarks/autoencoder.py [--epochs 20] [--picture docs/images/autoencoder-and-vae.png]

Both recipes have the same networks, 784-400-20; the figures are those of `vaekit compare`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from log import logged

FIGURES = {
    "mse": "reconstruction, mean squared error a pixel",
    "frechet_pca64": "samples from the prior, Frechet distance to test data (64 principal components)",
    "frechet_pca64_data": "the same for training data, the floor",
}


def vaekit(*words: str) -> str:
    return subprocess.run(
        [sys.executable, "-m", "vaekit", *words], check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--picture", default="docs/images/autoencoder-and-vae.png")
    arguments = parser.parse_args()
    with logged("autoencoder"), tempfile.TemporaryDirectory() as folder:
        runs = [str(Path(folder, recipe)) for recipe in ("vae", "ae")]
        for run in runs:
            vaekit(
                "train",
                "mnist",
                "--recipe",
                Path(run).name,
                "--epochs",
                str(arguments.epochs),
                "--out",
                run,
                "--json",
            )
        compared = json.loads(vaekit("compare", *runs, "-o", arguments.picture, "--force", "--json"))
        print(f"{'':80}  {'vae':>8}  {'ae':>8}")
        for key, words in FIGURES.items():
            values = [run[key] for run in compared["runs"]]
            print(f"{words:80}  {values[0]:8.4f}  {values[1]:8.4f}")


if __name__ == "__main__":
    main()
