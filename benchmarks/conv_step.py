"""What a training step of the small residual VAE costs, batch 128, MNIST's size: processor time, the median of ten.

python benchmarks/conv_step.py
"""

from __future__ import annotations

import statistics
import time

import torch
from log import logged

import vaekit as vk

SHAPE, WIDTHS = (1, 28, 28), (16, 32, 64)


def step_time(*, half: bool, precision: torch.dtype, channels_last: bool) -> float:
    """Milliseconds of processor time."""
    torch.manual_seed(0)
    decoder = vk.ResNetDecoder(20, SHAPE[1:], WIDTHS[::-1], half=half)
    model = vk.VAE(
        vk.DiagonalGaussian(vk.ResNetEncoder(SHAPE, WIDTHS), 20),
        vk.StandardNormal(20),
        vk.Bernoulli(decoder, SHAPE),
    )
    if channels_last:
        model = model.to(memory_format=torch.channels_last)
    optimizer, objective, x = (
        torch.optim.Adam(model.parameters(), fused=True),
        vk.ELBO(),
        torch.rand(128, *SHAPE),
    )
    times = []
    for _ in range(13):
        started = time.process_time()
        with torch.autocast("cpu", precision, enabled=precision != torch.float32):
            trace = model(x)
        optimizer.zero_grad()
        objective(trace).total.backward()
        optimizer.step()
        times.append(time.process_time() - started)
    return 1000 * statistics.median(times[3:])


def main() -> None:
    torch.set_flush_denormal(True)
    with logged("conv_step"):
        print("decoder ends at  precision  channels_last  ms of processor time")
        for half in (False, True):
            for precision in (torch.float32, torch.bfloat16):
                for channels_last in (False, True):
                    ms = step_time(half=half, precision=precision, channels_last=channels_last)
                    size = "half size" if half else "full size"
                    print(f"{size:15}  {str(precision)[6:]:9}  {channels_last!s:13}  {ms:6.1f}")


if __name__ == "__main__":
    main()
