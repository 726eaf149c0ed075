"""Precision: which number format the networks compute in; densities are always in float32 or better."""

from __future__ import annotations

import torch


def choose_precision(asked: str, device: torch.device) -> torch.dtype:
    """The format asked for; "auto" takes bfloat16 where the device has units for it.

    Args:
        asked: "auto", "float32" or "bfloat16".
        device: where the training runs.
    """
    if asked == "auto":
        return torch.bfloat16 if has_bfloat16_units(device) else torch.float32
    return {"float32": torch.float32, "bfloat16": torch.bfloat16}[asked]


def has_bfloat16_units(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 are faster than in float32 there."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, name)() for name in probes if hasattr(torch.cpu, name))
    return False
