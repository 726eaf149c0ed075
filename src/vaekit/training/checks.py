"""What is refused before step 1."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import torch

from vaekit.errors import UserError
from vaekit.ranks import world
from vaekit.training.settings import Settings

if TYPE_CHECKING:
    from vaekit.data import Dataset, Part
    from vaekit.model import Model
    from vaekit.objectives import Objective


NUM_SAMPLED = 1024
"""Examples that a fingerprint reads at most, so that it costs nothing on large data."""
SAMPLED_BYTES = 2**25
"""And bytes, so that large images fit in little memory."""


def fingerprint(part: Part) -> str:
    """sha256 of a part's size and of up to 1024 of its examples, fewer of large ones, spread evenly."""
    size = part.raw.element_size() * part.schema.num_features
    sample = part.spread(max(8, min(NUM_SAMPLED, SAMPLED_BYTES // size))).cpu().contiguous()
    sha = hashlib.sha256(f"{(len(part), *part.raw.shape[1:])} {part.raw.dtype}".encode())
    sha.update(sample.reshape(-1).view(torch.uint8).numpy().data)
    return sha.hexdigest()


def require_fitting(model: Model, objective: Objective, data: Dataset, settings: Settings) -> None:
    """Refuse before step 1 what cannot be trained.

    Raises:
        UserError: objective, likelihood, shapes or batch size do not fit.
    """
    objective.check(model)
    model.likelihood.check(data.schema)
    if model.likelihood.event_shape != data.schema.shape:
        raise UserError(
            f"The model is for x of shape {model.likelihood.event_shape}; {data.schema.name} has shape "
            f"{data.schema.shape}. Build the model for the data's shape."
        )
    if settings.micro_batch is not None and settings.micro_batch < settings.batch_size:
        if objective.is_coupled:
            raise UserError(
                f"{type(objective).__name__} compares the examples of a batch with each other, so a batch cannot be "
                "worked off in pieces; leave --micro-batch out."
            )
        if world() > 1 and settings.draws == "same":
            raise UserError("Of several processes, --micro-batch needs --draws own.")
    if settings.batch_size > len(data.train):
        raise UserError(
            f"batch_size {settings.batch_size} is larger than the training part of {len(data.train)} "
            f"examples; choose at most {len(data.train)}."
        )


def require_same_config(before: dict[str, Any], now: dict[str, Any], source: str) -> None:
    """Refuse to resume a checkpoint under another config, and show what differs.

    Raises:
        UserError: naming each value then and now.
    """
    flat_before, flat_now = flatten(before), flatten(now)
    differing = [k for k in sorted(flat_before | flat_now) if flat_before.get(k) != flat_now.get(k)]
    if differing:
        shown = "; ".join(
            f"{k}: {flat_before.get(k)!r} in the checkpoint, {flat_now.get(k)!r} now" for k in differing
        )
        raise UserError(
            f"{source} contradicts the checkpoint ({shown}). Undo the change, or start a new run."
        )


def flatten(config: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested keys joined by dots."""
    flat: dict[str, Any] = {}
    for key, value in config.items():
        flat |= flatten(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return flat
