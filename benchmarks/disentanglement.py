"""Disentanglement on `shapes`: the plain VAE against beta-TCVAE and FactorVAE, over seeds, with intervals.

    python benchmarks/disentanglement.py [--epochs 20] [--seeds 0 1 2 3 4] [--objectives vae tcvae factorvae]
        [--limit 20000] [--latent 10] [--quick]

They differ in the objective alone: an MLP of two hidden layers of 400 each way, Bernoulli pixels, batches of 128, Adam
at a constant 1e-3, the same number of epochs. beta and gamma are those of the recipes.

Scores are those of posterior means of 10,000 random examples of the whole held-out part; their definitions stand in
the docstrings of vaekit.evaluation. Between seeds the interval is that of Student's t.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time

import torch
from log import logged

import vaekit
import vaekit as vk
from vaekit.evaluation import disentanglement
from vaekit.recipes import find_recipe

ALIKE = {"batch_size": 128, "learning_rate": 1e-3, "schedule": "constant", "warmup_steps": 0}
WIDTHS = (400, 400)
T_975 = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36, 9: 2.31, 10: 2.26}
"""97.5 % points of Student's t, by the number of seeds."""
SCORES = (
    "mig", "mig_sampled", "sap", "modularity", "dci_disentanglement", "dci_completeness", "dci_informativeness",
    "factor_vae_score", "beta_vae_score",
)  # fmt: skip


def compose(schema: vaekit.Schema, latent: int, seed: int) -> vaekit.VAE:
    """The model that all objectives train."""
    torch.manual_seed(seed)
    encoder, decoder = vk.MLP(schema.shape, WIDTHS), vk.MLP(latent, WIDTHS)
    likelihood = vk.Bernoulli(decoder, schema.shape)
    return vk.VAE(vk.DiagonalGaussian(encoder, latent), vk.StandardNormal(latent), likelihood)


def objective(name: str, data: vaekit.Dataset) -> vk.Objective:
    """That of the recipe of this name."""
    torch.manual_seed(0)  # FactorVAE's discriminator
    return find_recipe(name)(data.schema).objective


def interval(values: list[float]) -> str:
    """Mean and half-width of its 95 % interval over seeds."""
    mean = sum(values) / len(values)
    if len(values) < 2:
        return f"{mean:.3f}"
    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (len(values) - 1))
    return f"{mean:.3f} ± {T_975.get(len(values), 1.96) * spread / math.sqrt(len(values)):.3f}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, nargs="*", default=[0, 1, 2, 3, 4])
    parser.add_argument("--objectives", nargs="*", default=["vae", "tcvae", "factorvae"])
    parser.add_argument("--latent", type=int, default=10)
    parser.add_argument("--limit", type=int, default=None, help="training examples; all when left out")
    parser.add_argument("--quick", action="store_true", help="1 epoch, 1,500 examples, 2 seeds")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.epochs, arguments.seeds, arguments.limit = 1, [0, 1], 1500
    found: dict[str, list[dict[str, float]]] = {name: [] for name in arguments.objectives}
    with (
        logged("disentanglement-quick" if arguments.quick else "disentanglement"),
        tempfile.TemporaryDirectory() as folder,
    ):
        data = vaekit.open_data("shapes", **({} if arguments.limit is None else {"limit": arguments.limit}))
        print(f"shapes, {arguments.epochs} epochs, {arguments.latent} latents, seeds {arguments.seeds}, {ALIKE}")
        for seed in arguments.seeds:
            for name in arguments.objectives:
                started = time.perf_counter()
                run = vaekit.train(
                    data, recipe=compose(data.schema, arguments.latent, seed), objective=objective(name, data),
                    epochs=arguments.epochs, seed=seed, out=f"{folder}/{name}-{seed}", quiet=True, **ALIKE,
                )  # fmt: skip
                model = run.load_model()
                scores = disentanglement(
                    model, data.test, seed=0, name="test", factor_names=data.factor_names
                )
                found[name].append(scores)
                told = ", ".join(f"{score} {scores[score]:.3f}" for score in SCORES)
                elbo = run.metrics()[-1]["valid"]["elbo"]
                seconds = time.perf_counter() - started
                print(f"{name:10} seed {seed}: {told}, ELBO {elbo:.1f}  ({seconds:.0f} s)", flush=True)
        print(f"\nmean over {len(arguments.seeds)} seeds ± half of the 95 % interval")
        print(f"{'':22}" + "".join(f"{recipe:>18}" for recipe in found))
        for name in SCORES:
            print(
                f"{name:22}" + "".join(f"{interval([s[name] for s in rows]):>18}" for rows in found.values())
            )
        print(f"protocol: {scores['protocol']}")
        plain = found.get("vae")
        for recipe, rows in found.items():
            if plain and recipe != "vae":
                gains = [a["mig"] - b["mig"] for a, b in zip(rows, plain, strict=True)]
                print(f"MIG of {recipe} less that of vae, seed by seed: {interval(gains)}")


if __name__ == "__main__":
    main()
