"""How evaluation walks a part: in bounded memory, repeatably, without a trace left in the model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from vaekit.errors import require_seed

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model

BUDGET, DEVICE_BUDGET = 8 * 2**20, 256 * 2**20
"""Bytes that the activations of one chunk may take on a CPU, whose caches like small pieces, and elsewhere."""
LIVE_ACTIVATIONS = 4
"""Copies of the largest activation that are alive at once: a layer's input, its output and temporaries."""
MAX_BATCH = 1024


@contextmanager
def evaluating(model: Model, seed: int) -> Iterator[None]:
    """Evaluation mode, no gradients and a seeded random state, all put back afterwards."""
    was_training = model.training
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices), torch.no_grad():
        torch.manual_seed(require_seed(seed))
        model.eval()
        try:
            yield
        finally:
            model.train(was_training)


def subset(part: Part, limit: int | None, seed: int) -> Part:
    """A seeded random subset of at most `limit` examples, in order; files are often sorted by class."""
    return part if limit is None else part.few(limit, seed)


def batches_of(part: Part, model: Model, batch_size: int) -> Iterator[tuple[Tensor, Tensor | None]]:
    """Batches (x, y) as `model` takes them, in order; a dynamic binarization draws the same values every time."""
    for x, y in part.batches(batch_size):
        yield x.to(model.device, model.dtype), None if y is None else y.to(model.device)


def chunk_sizes(model: Model, part: Part, num_samples: int, batch_size: int | None = None) -> tuple[int, int]:
    """(B, K): how many examples and draws of z go through the model at a time, within the budget.

    All draws of a few examples are better than a few draws of many: the encoder then runs once.
    """
    budget = BUDGET if model.device.type == "cpu" else DEVICE_BUDGET
    rows = max(1, budget // (4 * LIVE_ACTIVATIONS * largest_activation(model, part)))
    if batch_size is None:
        batch_size = min(MAX_BATCH, max(1, rows // max(1, num_samples)))
    return batch_size, max(1, min(max(1, num_samples), rows // batch_size))


def largest_activation(model: Model, part: Part) -> int:
    """Number of values in the largest tensor that any module returns for one example and one draw."""
    largest = math.prod(part.schema.shape)

    def note(module: nn.Module, args: Any, output: Any) -> None:
        nonlocal largest
        if isinstance(output, Tensor):
            largest = max(largest, output.numel())

    with torch.no_grad():  # once before it counts: a VampPrior keeps its mixture from one pass to the next
        for x, y in batches_of(part.take(torch.tensor([0])), model, 1):
            model(x, y, 1)
    hooks = [module.register_forward_hook(note) for module in model.modules()]
    try:
        with torch.no_grad():
            for x, y in batches_of(part.take(torch.tensor([0])), model, 1):
                model(x, y, 1)
    finally:
        for hook in hooks:
            hook.remove()
    return largest


def standard_error(values: Tensor) -> float:
    """Standard error of the mean of independent values; NaN for fewer than two."""
    values = values.double()
    return float(values.std() / math.sqrt(len(values))) if len(values) > 1 else math.nan
