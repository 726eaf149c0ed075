"""The batch size that a device works off fastest, measured."""

from __future__ import annotations

import copy
import dataclasses
import math
import time
from typing import TYPE_CHECKING

import torch

from vaekit.errors import is_out_of_memory
from vaekit.training.distributed import Score
from vaekit.training.precision import choose_precision

if TYPE_CHECKING:
    from vaekit.data import Part
    from vaekit.model import Model
    from vaekit.objectives import Objective
    from vaekit.training.settings import Settings

SMALLEST, LARGEST = 32, 8192
STEPS = 20
"""An epoch has so many steps at least."""
ENOUGH = 0.85
"""Of the highest rate; beyond it larger batches cost more in updates than they bring in speed."""
SECONDS = 0.3
"""Each size is measured for so long."""


def with_fastest_batch(
    settings: Settings, model: Model, objective: Objective, part: Part, device: torch.device, *, keep_rate: bool
) -> tuple[Settings, str]:
    """Settings with the smallest batch that comes near the highest rate of examples a second, and a sentence on it.

    The learning rate grows with the square root of the batch, which keeps Adam's noise about the same (Malladi et al.,
    "On the SDEs and Scaling Rules for Adaptive Gradient Algorithms", 2022), unless it was given.

    Args:
        settings: as the recipe proposes them.
        model, objective: copies of them are run, so they stay as they are.
        part: training examples.
        device: where the training will run.
        keep_rate: leave the learning rate alone.
    """
    rates = measure(settings, model, objective, part, device)
    size = min(size for size, rate in rates.items() if rate >= ENOUGH * max(rates.values()))
    rate = settings.learning_rate * (1 if keep_rate else math.sqrt(size / settings.batch_size))
    # The recipe's number of epochs may have been raised for the sake of its steps; it stays.
    chosen = dataclasses.replace(settings, batch_size=size, learning_rate=float(f"{rate:.2g}"))
    shown = ", ".join(f"{n}: {r:,.0f}" for n, r in rates.items())
    return chosen, f"Batches of {size}, learning rate {chosen.learning_rate:g} (examples a second by size: {shown})."


def measure(
    settings: Settings, model: Model, objective: Objective, part: Part, device: torch.device
) -> dict[int, float]:
    """Examples a second of forward and backward passes, by batch size, as far as memory goes."""
    precision, _ = choose_precision(settings.precision, device, model.num_parameters)
    score = Score(copy.deepcopy(model), copy.deepcopy(objective), precision).to(device).train()
    score.objective.num_examples = len(part)
    score.objective.bind(score.model)
    largest = max(1, min(LARGEST, len(part) // STEPS))
    sizes = [n for n in (2**k for k in range(14)) if min(SMALLEST, largest) <= n <= largest]
    rates: dict[int, float] = {}
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        for size in sizes:
            x, y = part.take(torch.arange(size)).to(device).batch(torch.arange(size, device=device))
            try:
                rates[size] = size / _seconds(score, x, y)
            except RuntimeError as error:
                if not is_out_of_memory(error) or not rates:
                    raise
                break
    return rates


def _seconds(score: Score, x: torch.Tensor, y: torch.Tensor | None) -> float:
    """Of one pass; the fastest of those that a moment allows, so that a busy machine disturbs little."""
    found: list[float] = []
    until = time.perf_counter() + SECONDS
    while len(found) < 3 or (time.perf_counter() < until and len(found) < 50):
        started = time.perf_counter()
        total, _ = score(x, y)
        total.backward()
        total.item()  # the device is waited for
        found.append(time.perf_counter() - started)
    return min(found[1:])
