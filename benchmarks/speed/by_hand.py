"""A step of `conv` and of `hvae` beside the same networks written by hand in plain torch, eager and compiled.

    python benchmarks/speed/by_hand.py [--rounds 15] [--steps 10] [--precision float32] [--no-compile]

Binarized MNIST, batches of 128, AdamW, without averaging and clipping on either side. The hand-written modules take our
weights in order and must give our loss for the same noise before anything is timed. In turns, medians, and medians of
the ratios within a round. The profile of our step is printed after them.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).parent.parent))

from log import logged

import vaekit
from vaekit.api import make_plan
from vaekit.run import Run
from vaekit.training.loop import Training

BATCH = 128


def draw(head: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """z, mean and log-variance of a head's 2 x D outputs."""
    mean, logvar = head.float().chunk(2, 1)
    return mean + (0.5 * logvar).exp() * torch.randn_like(mean), mean, logvar


def bernoulli(logits: Tensor, x: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(logits.float().flatten(1), x.flatten(1), reduction="sum") / len(
        x
    )


def to_standard(mean: Tensor, logvar: Tensor) -> Tensor:
    return 0.5 * (mean**2 + logvar.exp() - 1 - logvar).sum() / len(mean)


class Block(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.a, self.b = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        return x + self.b(F.silu(self.a(F.silu(x))))


class Conv(nn.Module):
    """28 -> 14 -> 7 -> 4 with 16, 32, 64 channels, z of 20, and back to 14 and a pixel shuffle."""

    def __init__(self) -> None:
        super().__init__()
        down = [nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in ((1, 16), (16, 32), (32, 64))]
        self.encoder = nn.Sequential(down[0], Block(16), down[1], Block(32), down[2], Block(64), nn.SiLU())
        self.code = nn.Linear(64 * 16, 40)
        self.stem = nn.Linear(20, 64 * 16)
        self.blocks = nn.ModuleList([Block(64), Block(32), Block(16)])
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(a, b, 4, stride=2, padding=1) for a, b in ((64, 32), (32, 16))
        )
        self.head = nn.Conv2d(16, 4, 3, padding=1)

    def loss(self, x: Tensor) -> Tensor:
        z, mean, logvar = draw(self.code(self.encoder(x).flatten(1)))
        h = self.stem(z).view(-1, 64, 4, 4)
        h = self.up[0](F.silu(self.blocks[0](h)))[..., :7, :7]
        h = self.up[1](F.silu(self.blocks[1](h)))
        h = F.silu(self.blocks[2](h))
        return bernoulli(F.pixel_shuffle(self.head(h), 2), x) + to_standard(mean, logvar)


class Hierarchy(nn.Module):
    """Two layers of 40, two hidden layers of 300 each way."""

    def __init__(self) -> None:
        super().__init__()

        def mlp(width: int) -> nn.Sequential:
            return nn.Sequential(nn.Linear(width, 300), nn.ReLU(), nn.Linear(300, 300), nn.ReLU())

        self.top, self.top_head = mlp(784), nn.Linear(300, 80)
        self.bottom, self.bottom_head = mlp(824), nn.Linear(300, 80)
        self.prior, self.prior_head = mlp(40), nn.Linear(300, 80)
        self.decoder, self.head = mlp(80), nn.Linear(300, 784)

    def loss(self, x: Tensor) -> Tensor:
        flat = x.flatten(1)
        z2, mean2, logvar2 = draw(self.top_head(self.top(flat)))
        z1, mean1, logvar1 = draw(self.bottom_head(self.bottom(torch.cat([flat, z2], 1))))
        mean, logvar = self.prior_head(self.prior(z2)).float().chunk(2, 1)
        kl = (logvar - logvar1 + (logvar1.exp() + (mean1 - mean) ** 2) / logvar.exp() - 1).sum() / 2 / len(x)
        logits = self.head(self.decoder(torch.cat([z2, z1], 1)))
        return bernoulli(logits, x) + to_standard(mean2, logvar2) + kl


def by_hand(
    module: nn.Module, part, index: list[Tensor], precision: torch.dtype, *, compiled: bool
) -> Callable:
    """A function that takes the given number of steps."""
    optimizer = torch.optim.AdamW(module.parameters(), lr=1e-3, fused=True)
    loss_of = torch.compile(module.loss) if compiled else module.loss

    def steps() -> None:
        for rows in index:
            x, _ = part.batch(rows)
            with torch.autocast("cpu", precision, enabled=precision != torch.float32):
                loss = loss_of(x)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return steps


def training(recipe: str, precision: str, folder: str) -> Training:
    options = {"batch_size": BATCH, "optimizer": "adamw", "precision": precision, "schedule": "constant"}
    options |= {"learning_rate": 1e-3, "ema": 0.0, "clip_norm": None, "warmup_steps": 0}
    plan = make_plan("binarized-mnist", recipe, vaekit.ELBO(), options, 0)
    run = Run.create(f"{folder}/{recipe}", plan.data.schema.name, plan.config)
    one = Training(
        run, plan.model, plan.objective, plan.data, plan.settings, seed=0, device=torch.device("cpu")
    )
    one.model.train()
    return one


def same_loss(ours: Training, plain: nn.Module) -> None:
    """Copy our weights and compare."""
    pairs = zip(plain.parameters(), ours.model.parameters(), strict=True)
    with torch.no_grad():
        for theirs, weight in pairs:
            theirs.copy_(weight.reshape(theirs.shape))
        x, y = ours.train_part.batch(torch.arange(BATCH))
        torch.manual_seed(0)
        a = float(ours.objective(ours.model(x, y, 1)).total)
        torch.manual_seed(0)
        b = float(plain.loss(x))
    print(f"loss of the same weights: ours {a:.4f}, by hand {b:.4f}")
    if abs(a - b) > 1e-3 * abs(a):
        raise SystemExit("The two are not the same model.")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--no-compile", action="store_true")
    arguments = parser.parse_args()
    torch.set_flush_denormal(True)
    precision = getattr(torch, arguments.precision)
    with logged("by_hand"), tempfile.TemporaryDirectory() as folder:
        for recipe, make in (("conv", Conv), ("hvae", Hierarchy)):
            ours = training(recipe, arguments.precision, folder)
            plain, second = make(), make()
            same_loss(ours, plain)
            print(f"{recipe}: {ours.in_short}")
            second.load_state_dict(plain.state_dict())
            index = list(ours.order_of_epoch().split(BATCH)[: arguments.steps])
            ways: dict[str, Callable[[], object]] = {
                "ours": lambda ours=ours, index=index: [ours.step(i) for i in index],
                "by hand": by_hand(plain, ours.train_part, index, precision, compiled=False),
            }
            if not arguments.no_compile:
                ways["by hand, compiled"] = by_hand(second, ours.train_part, index, precision, compiled=True)
            for steps in ways.values():
                steps()
            rounds: list[dict[str, float]] = []
            for _ in range(arguments.rounds):
                rounds.append({})
                for name, steps in ways.items():
                    started = time.perf_counter()
                    steps()
                    rounds[-1][name] = (time.perf_counter() - started) / len(index)
            for name in ways:
                median = statistics.median(r[name] for r in rounds)
                ratio = statistics.median(r["ours"] / r[name] for r in rounds)
                print(
                    f"{recipe:6} {name:18} {median * 1e3:8.2f} ms a step   ours takes {ratio:.3f} of it",
                    flush=True,
                )
            with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
                ways["ours"]()
            print(
                profile.key_averages().table(
                    sort_by="self_cpu_time_total", row_limit=8, max_name_column_width=40
                )
            )


if __name__ == "__main__":
    main()
