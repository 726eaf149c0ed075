"""Precision: which number format the networks compute in; densities are always in float32 or better."""

from __future__ import annotations

from typing import Any

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


def quicken_float32() -> bool:
    """Let oneDNN do the CPU's float32 matrix products where it does them in float32; returns whether it does.

    MKL, which torch takes, reaches half of oneDNN's speed on some processors (AMD's with AVX-512). torch hands products
    to oneDNN only with leave to round to bfloat16, and a processor without the units for that does not use the leave.
    Whether it does is measured: one product against float64.
    """
    backend: Any = getattr(getattr(torch.backends, "mkldnn", None), "matmul", None)
    if not hasattr(backend, "fp32_precision") or not torch.backends.mkldnn.is_available():
        return False
    before = backend.fp32_precision
    generator = torch.Generator().manual_seed(0)
    a, b = (torch.randn(128, 512, generator=generator, dtype=torch.float64) for _ in range(2))
    exact = a @ b.T
    allowed = 4 * float((a.float() @ b.float().T - exact).abs().max())
    backend.fp32_precision = "bf16"
    if float((a.float() @ b.float().T - exact).abs().max()) <= max(allowed, 1e-4):
        return True
    backend.fp32_precision = before
    return False


def has_bfloat16_units(device: torch.device) -> bool:
    """Whether matrix products in bfloat16 are faster than in float32 there."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type == "cpu":
        probes = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
        return any(getattr(torch.cpu, name)() for name in probes if hasattr(torch.cpu, name))
    return False
