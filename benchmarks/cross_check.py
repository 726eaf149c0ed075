"""The same weights, the same images, three estimators of -log p(x): vaekit's, pythae's and one in plain numpy.

    python benchmarks/cross_check.py [--epochs 5] [--images 100] [--samples 1000] [--repeats 5] [--quick]

A 784-400-20 VAE is trained on binarized MNIST; its weights are copied into pythae's VAE (installed from PyPI into a
temporary folder, without its dependencies) and into numpy arrays. pythae's `get_nll` returns the mean of log p(x), so
its sign is put right. Each estimator runs several times with other seeds; differences of means are judged by the spread
between runs, since all three estimate the same expectation whatever the number of samples.
"""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import sys
import tempfile
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from log import logged

import vaekit
from vaekit.evaluation import nll
from vaekit.evaluation.chunks import subset

PYTHAE = "pythae==0.1.2"
T_975 = {3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 8: 2.36, 10: 2.26}
"""97.5 % points of Student's t, by the number of repeats."""


def layers_of(model: vaekit.VAE) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Weights and biases of the four dense layers, the two halves of the posterior's head apart."""
    linear = [m for m in model.modules() if isinstance(m, torch.nn.Linear)]
    named = dict(zip(("encoder", "head", "decoder", "logits"), linear, strict=True))
    found = {name: (layer.weight.detach(), layer.bias.detach()) for name, layer in named.items()}
    weight, bias = found.pop("head")
    half = len(weight) // 2
    return found | {"loc": (weight[:half], bias[:half]), "logvar": (weight[half:], bias[half:])}


def numpy_nll(weights: dict[str, Any], x: np.ndarray, num_samples: int, seed: int) -> float:
    """The mean of -log p(x), written from the formula alone, in float64."""
    rng = np.random.default_rng(seed)
    w = {name: (a.double().numpy(), b.double().numpy()) for name, (a, b) in weights.items()}

    def dense(name: str, values: np.ndarray) -> np.ndarray:
        return values @ w[name][0].T + w[name][1]

    values = []
    for image in x.astype(np.float64):
        hidden = np.maximum(dense("encoder", image), 0)
        loc, scale = dense("loc", hidden), np.exp(dense("logvar", hidden) / 2)
        noise = rng.standard_normal((num_samples, len(loc)))
        z = loc + scale * noise
        logits = dense("logits", np.maximum(dense("decoder", z), 0))
        log_px = (image * logits - np.logaddexp(0, logits)).sum(1)
        log_w = log_px - 0.5 * (z**2).sum(1) + 0.5 * (noise**2).sum(1) + np.log(scale).sum()
        top = log_w.max()
        values.append(-(top + np.log(np.exp(log_w - top).mean())))
    return float(np.mean(values))


def pythae_model(weights: dict[str, Any], folder: str) -> Any:
    """pythae's VAE with these weights; None where it cannot be installed."""
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder, PYTHAE]
    done = subprocess.run(command, capture_output=True, text=True)
    sys.path.append(folder)
    try:
        from pythae.models import VAE, VAEConfig
        from pythae.models.base.base_utils import ModelOutput
        from pythae.models.nn import BaseDecoder, BaseEncoder
    except ImportError as error:
        print(f"pythae is not there ({error}): {done.stderr.strip()[-200:]}")
        return None

    def dense(name: str, values: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(values, *weights[name])

    class Encoder(BaseEncoder):
        def forward(self, x: torch.Tensor) -> Any:
            hidden = dense("encoder", x.flatten(1)).relu()
            return ModelOutput(embedding=dense("loc", hidden), log_covariance=dense("logvar", hidden))

    class Decoder(BaseDecoder):
        def forward(self, z: torch.Tensor) -> Any:
            return ModelOutput(reconstruction=dense("logits", dense("decoder", z).relu()).sigmoid())

    config = VAEConfig(input_dim=(1, 28, 28), latent_dim=len(weights["loc"][1]), reconstruction_loss="bce")
    return VAE(config, Encoder(), Decoder())


def pythae_nll(model: Any, x: torch.Tensor, num_samples: int, seed: int) -> float:
    """The mean of -log p(x), pythae's figure with its sign put right."""
    torch.manual_seed(seed)
    with torch.no_grad():
        # It draws whole batches: num_samples // batch_size of them.
        return -float(model.get_nll(x, n_samples=num_samples, batch_size=min(100, num_samples)))


def report(name: str, theirs: list[float], ours: list[float]) -> bool:
    """Means, their difference and its 95 % interval by Welch's t, whose degrees of freedom are at least n - 1."""
    difference = statistics.mean(theirs) - statistics.mean(ours)
    error = math.sqrt(sum(statistics.variance(runs) / len(runs) for runs in (theirs, ours)))
    allowed = T_975[len(ours)] * error
    agrees = abs(difference) <= allowed
    shown = " ".join(f"{value:.3f}" for value in theirs)
    print(f"{name:8} {statistics.mean(theirs):.4f}  ({shown})   difference {difference:+.4f} ± {allowed:.4f}: "
          f"{'agrees' if agrees else 'DISAGREES'}")  # fmt: skip
    return agrees


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--samples", type=int, default=1000)
    parser.add_argument("--repeats", type=int, choices=sorted(T_975), default=5)
    parser.add_argument("--quick", action="store_true", help="2 epochs, 20 images, 400 samples, 5 repeats")
    arguments = parser.parse_args()
    if quick := arguments.quick:
        arguments = SimpleNamespace(epochs=2, images=20, samples=400, repeats=5)
    with logged("cross_check-quick" if quick else "cross_check"), tempfile.TemporaryDirectory() as folder:
        run = vaekit.train(
            "binarized-mnist", recipe="vae", epochs=arguments.epochs, seed=0, out=f"{folder}/vae", quiet=True
        )
        model = run.load_model()
        assert isinstance(model, vaekit.VAE)
        part = subset(run.load_data().test, arguments.images, seed=0)
        x = torch.cat([x for x, _ in part.batches(100)])
        print(f"{arguments.images} random test images of binarized MNIST, {arguments.samples} samples, "
              f"{arguments.epochs} epochs of training; -log p(x) in nats, mean over these images")  # fmt: skip
        weights, seeds, k = layers_of(model), range(arguments.repeats), arguments.samples
        results = [nll(model, part, num_samples=k, seed=seed) for seed in seeds]
        ours = [result.mean for result in results]
        shown = " ".join(f"{value:.3f}" for value in ours)
        print(f"vaekit   {statistics.mean(ours):.4f}  ({shown})   effective sample size "
              f"{float(results[0].ess.mean()):.0f}")  # fmt: skip
        fine = True
        if (other := pythae_model(weights, f"{folder}/pythae")) is not None:
            fine &= report("pythae", [pythae_nll(other, x, k, 100 + seed) for seed in seeds], ours)
        flat = x.flatten(1).numpy()
        fine &= report("numpy", [numpy_nll(weights, flat, k, 200 + seed) for seed in seeds], ours)
    sys.exit(not fine)


if __name__ == "__main__":
    main()
