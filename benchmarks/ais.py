"""AIS against importance sampling: on a model whose evidence is known, and on one trained on MNIST.

    python benchmarks/ais.py [--epochs 20] [--images 24] [--chains 16] [--temperatures 1000] [--samples 100000]
        [--quick]

First the linear-Gaussian model p(z) = N(0, I), p(x|z) = N(Wz + b, s^2 I) with a posterior that is too wide: both
estimates must hold the exact value in their intervals. Then 784-400-D on binarized MNIST, trained with the bound of 10
samples, whose q(z|x) is broad. With D = 5 the two must agree. With D = 20 a Gaussian q(z|x) leaves out parts of the
posterior, which importance sampling finds only by rare draws: it is printed to show by how much its NLL is too high.
AIS starts from the prior and knows nothing of q(z|x). Wu et al., 2017.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from log import logged

import vaekit
from vaekit.evaluation import ais_check

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests" / "evaluation"))
from linear_gaussian import LinearPosterior, evidence, model_with, part_of


def line(name: str, value: float, error: float) -> str:
    return f"  {name:22} {value:10.4f} ± {1.96 * error:.4f}"


def show(found: dict[str, Any], seconds: float) -> None:
    """Both estimates with the 95 % interval that the draws of z leave."""
    print(line("annealed", found["ais_nll"], found["ais_nll_sampling_error"]),
          f"  {found['ais_ess']:.1f} effective chains, acceptance {found['ais_acceptance']:.2f}")  # fmt: skip
    print(line("importance", found["importance_nll"], found["importance_nll_sampling_error"]),
          f"  effective sample size {found['importance_ess']:.0f}")  # fmt: skip
    low, high = found["difference_interval"]
    print(f"  {'difference':22} {found['difference']:10.4f} [{low:.4f}, {high:.4f}]   "
          f"{'agree' if found['agree'] else 'DISAGREE'}, {seconds:.0f} s")  # fmt: skip
    for name in ("ais", "importance"):
        low, high = found[f"{name}_nll_interval"]
        print(f"  95 % interval over examples, {name}: [{low:.2f}, {high:.2f}]")
    print(f"  these overlap: {found['intervals_overlap']}")


def linear(options: Any) -> bool:
    import torch

    torch.manual_seed(0)
    part, model = part_of(evidence().sample((options.images,))), model_with(LinearPosterior(spread=1.3))
    exact = -float(evidence().log_prob(part.raw).mean())
    started = time.perf_counter()
    found = ais_check(
        model, part, limit=None, num_samples=options.samples, num_chains=options.chains,
        num_temperatures=min(options.temperatures, 200),
    )  # fmt: skip
    print(f"linear-Gaussian model, {options.images} examples, float64; exact {exact:.4f} nats")
    show(found, time.perf_counter() - started)
    held = [
        abs(found[f"{name}_nll"] - exact) <= 1.96 * found[f"{name}_nll_sampling_error"] + 1e-3
        for name in ("ais", "importance")
    ]
    print(f"  the exact value lies in the interval of AIS: {held[0]}; of importance sampling: {held[1]}")
    return all(held) and found["agree"]


def trained(options: Any, folder: str, latent: int) -> bool:
    run = vaekit.train(
        "binarized-mnist", recipe="vae", latent=latent, objective=vaekit.IWAE(10), epochs=options.epochs,
        seed=0, precision="auto", out=f"{folder}/vae-{latent}", quiet=True,
    )  # fmt: skip
    started = time.perf_counter()
    found = ais_check(
        run.load_model(), run.load_data().test, limit=options.images, num_samples=options.samples,
        num_chains=options.chains, num_temperatures=options.temperatures, name="test",
    )  # fmt: skip
    print(
        f"784-400-{latent}, bound of 10 samples, binarized MNIST, {options.epochs} epochs; {options.images} random "
        "test images, nats"
    )
    show(found, time.perf_counter() - started)
    print(f"  protocol: {found['protocol']}")
    return bool(found["agree"])


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--chains", type=int, default=16)
    parser.add_argument("--temperatures", type=int, default=1000)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--quick", action="store_true", help="1 epoch, 8 images, 4 chains, 100 temperatures")
    options: Any = parser.parse_args()
    if quick := options.quick:
        options = SimpleNamespace(epochs=1, images=8, chains=4, temperatures=100, samples=500)
    with logged("ais-quick" if quick else "ais"), tempfile.TemporaryDirectory() as folder:
        fine = linear(options)
        fine &= trained(options, folder, latent=5)
        trained(options, folder, latent=20)
    sys.exit(not fine)


if __name__ == "__main__":
    main()
