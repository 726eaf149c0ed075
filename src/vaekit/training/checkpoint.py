"""Checkpoint: everything that the next step depends on, in one file that holds tensors and JSON only."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from vaekit.errors import UserError
from vaekit.files import write_atomic
from vaekit.training.adam import Adam
from vaekit.weights import pack_tensors, read_tensors


@dataclass
class Progress:
    """Where a training stands.

    Args:
        epoch: finished epochs.
        step: finished steps of the epoch under way.
        best_score: lowest validation score so far, None before the first.
        best_epoch: the epoch of that score.
        metrics_bytes: length of metrics.jsonl that belongs to this state; anything behind it is from a killed epoch.
        is_done: no epoch is left, or patience ran out.
        micro_batch: examples that pass at once, where whole batches did not fit in memory.
        is_plain: steps are done without generated code.
    """

    epoch: int = 0
    step: int = 0
    best_score: float | None = None
    best_epoch: int = 0
    metrics_bytes: int = 0
    is_done: bool = False
    micro_batch: int | None = None
    is_plain: bool = False


@dataclass
class Checkpoint:
    """Tensors by dotted name (`model.`, `ema.`, `optimizer.`, `sums.`, `rng.`), the progress, and the run's config.

    `data` is a fingerprint of the training part.
    """

    tensors: dict[str, Tensor]
    progress: Progress
    config: dict[str, Any]
    data: str

    def save(self, path: Path) -> None:
        """Write the checkpoint; a kill at any moment leaves the old file or the new one."""
        metadata = {
            "progress": json.dumps(dataclasses.asdict(self.progress)),
            "config": json.dumps(self.config),
            "data": self.data,
        }
        tensors = {name: value.detach().to("cpu").contiguous() for name, value in self.tensors.items()}
        write_atomic(path, pack_tensors(tensors, metadata))

    @classmethod
    def load(cls, path: Path) -> Checkpoint:
        """Read a checkpoint.

        Raises:
            UserError: the file is missing, damaged, or not a checkpoint.
        """
        tensors, metadata = read_tensors(path)
        try:
            progress = Progress(**json.loads(metadata["progress"]))
            return cls(tensors, progress, json.loads(metadata["config"]), metadata["data"])
        except (KeyError, TypeError, json.JSONDecodeError):
            raise UserError(f"{path} is not a training checkpoint of this vaekit.") from None


def random_state(device: torch.device) -> dict[str, Tensor]:
    """The state of every random generator that a step draws from."""
    state = {"rng.cpu": torch.get_rng_state()}
    if device.type == "cuda":
        state["rng.cuda"] = torch.cuda.get_rng_state(device)
    return state


def restore_random_state(tensors: dict[str, Tensor], device: torch.device) -> None:
    """Put every random generator back to where `random_state` read it."""
    torch.set_rng_state(tensors["rng.cpu"])
    if device.type == "cuda" and "rng.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["rng.cuda"], device)


def optimizer_tensors(optimizer: Adam) -> dict[str, Tensor]:
    """The optimizer's state as `optimizer.INDEX.NAME`."""
    slots = [(i, optimizer.state.get(p, {})) for i, p in enumerate(optimizer.weights)]
    return {f"optimizer.{i}.{key}": value for i, slot in slots for key, value in slot.items()}


def optimizer_slots(optimizer: Adam) -> dict[str, Tensor]:
    """The weights that the large ones of `optimizer_tensors` belong to, whose shape and place they have."""
    return {
        f"optimizer.{i}.{key}": p.detach()
        for i, p in enumerate(optimizer.weights)
        for key in ("exp_avg", "exp_avg_sq")
    }


def restore_optimizer(optimizer: Adam, tensors: dict[str, Tensor]) -> None:
    """The inverse of `optimizer_tensors`."""
    weights = optimizer.weights
    for name, value in tensors.items():
        if name.startswith("optimizer."):
            _, index, key = name.split(".", 2)
            weight = weights[int(index)]
            optimizer.state.setdefault(weight, {})[key] = value.to(weight.device, copy=True)


def truncate(path: Path, size: int) -> None:
    """Cut a log back to the length that a checkpoint knows."""
    if path.exists():
        with open(path, "r+b") as file:
            file.truncate(size)
