"""Test log-likelihood of published models on binarized MNIST, in nats.

    python benchmarks/likelihood.py vae40 vampprior hvampprior [--images 1000] [--samples 5000]

Fixed ("static") binarization, 50,000 training, 10,000 validation, 10,000 test images. The weights are those of the
epoch with the best validation ELBO. Two figures of the test part:

- ELBO, all 10,000 images, 10 draws of z each;
- NLL, importance sampling with `--samples` draws on a random, seeded subset of `--images`, or on all with 0. On a
  subset it is the difference estimator: the mean of -ELBO over all images, less the mean gap between the two on the
  subset. The gap varies far less from image to image than either, so the standard error stays small.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from typing import Any

import torch
from log import logged

import vaekit
from vaekit.evaluation.chunks import evaluating
from vaekit.evaluation.likelihood import nll

BUDGETED: dict[str, Any] = {
    "schedule": "cosine",
    "ema": 0.999,
    "precision": "bfloat16",
    "optimizer": "adam",
    "patience": None,
    "warmup_steps": 200,
}
MODELS: dict[str, dict[str, Any]] = {
    # 784-400-40, ReLU: 89.78 published after 500 epochs.
    "vae40": {"recipe": "vae", "latent": 40, "epochs": 250, "learning_rate": 2e-3, "batch_size": 256},
    # Gated 300-300, z = 40, 500 pseudo-inputs: 85.57 published.
    "vampprior": {
        "recipe": "vampprior",
        "epochs": 250,
        "warmup": 30,
        "learning_rate": 1e-3,
        "batch_size": 256,
    },
    # Two layers of 40: 83.19 published.
    "hvampprior": {
        "recipe": "hvampprior",
        "epochs": 250,
        "warmup": 30,
        "learning_rate": 1e-3,
        "batch_size": 256,
    },
}
ASKED = {"vae40": 89.5, "vampprior": 85.6, "hvampprior": 83.2}


def measure(model: vaekit.Model, test: vaekit.Part, num_images: int, num_samples: int) -> dict[str, float]:
    """ELBO on all images and NLL by the difference estimator; values with their standard errors."""
    with evaluating(model, 0), torch.no_grad():
        elbo = torch.cat([model.elbo(x, y, num_samples=10) for x, y in test.batches(200)]).double()
    index = torch.randperm(len(test), generator=torch.Generator().manual_seed(0))[: num_images or len(test)]
    tight = nll(model, test.take(index), num_samples=num_samples, seed=0)
    gap = -elbo[index] - tight.values.cpu()
    value = float(-elbo.mean() - gap.mean())
    error = math.sqrt(
        float(gap.var()) / len(index) * (1 - len(index) / len(test)) + float(elbo.var()) / len(test)
    )
    return {
        "elbo": float(elbo.mean()),
        "elbo_se": float(elbo.std()) / math.sqrt(len(test)),
        "nll": value,
        "nll_se": error,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("models", nargs="+", choices=MODELS)
    parser.add_argument("--images", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, help="instead of the model's own number")
    arguments = parser.parse_args()
    for name in arguments.models:
        options = {**BUDGETED, **MODELS[name]}
        if arguments.epochs:
            options["epochs"] = arguments.epochs
        with logged(f"likelihood-{name}"), tempfile.TemporaryDirectory() as folder:
            print(f"# {name}: {options}")
            started = time.perf_counter()
            run = vaekit.train(
                "binarized-mnist", seed=arguments.seed, out=f"{folder}/{name}", quiet=True, **options
            )
            seconds = time.perf_counter() - started
            rows = run.metrics()
            best = max(rows, key=lambda row: row["valid"]["elbo"])
            print(
                f"{len(rows)} epochs, {seconds / 60:.1f} min; best validation ELBO {best['valid']['elbo']:.2f} in "
                f"epoch {best['epoch']}"
            )
            for row in rows[:: max(1, len(rows) // 10)]:
                train, valid = row["train"]["elbo"], row["valid"]["elbo"]
                print(f"  epoch {row['epoch']:4d}  train ELBO {train:8.2f}  valid ELBO {valid:8.2f}")
            figures = measure(run.load_model(), run.load_data().test, arguments.images, arguments.samples)
            print(f"test ELBO {figures['elbo']:.2f} ± {figures['elbo_se']:.2f} (10,000 images, 10 draws)")
            print(
                f"test NLL {figures['nll']:.2f} ± {figures['nll_se']:.2f} ({arguments.samples} importance samples, "
                f"{arguments.images or 10_000} images); asked for at most {ASKED[name]}"
            )


if __name__ == "__main__":
    main()
