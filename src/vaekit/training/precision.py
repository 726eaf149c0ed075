"""Precision: which number format the networks compute in; densities are always in float32 or better."""

from __future__ import annotations

import torch

ENOUGH = 2**17
"""Weights from which on products in bfloat16 save more than the casts around them cost."""


def choose_precision(asked: str, device: torch.device, num_weights: int) -> tuple[torch.dtype, str]:
    """The format asked for, and why it is taken; "auto" takes bfloat16 where it is faster.

    Args:
        asked: "auto", "float32" or "bfloat16".
        device: where the training runs.
        num_weights: of the model.
    """
    if asked != "auto":
        return {"float32": torch.float32, "bfloat16": torch.bfloat16}[asked], "asked for"
    if not has_bfloat16_units(device):
        return torch.float32, "the device has no units for bfloat16"
    if num_weights < ENOUGH:
        return torch.float32, f"{num_weights:,} weights are too few to gain by bfloat16"
    return torch.bfloat16, "the device has units for it"


def has_bfloat16_units(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 are faster than in float32 there."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, name)() for name in probes if hasattr(torch.cpu, name))
    return False
