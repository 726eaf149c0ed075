"""The floor: the matrix products of a step of the 784-400-20 model and the optimizer's pass, and nothing else.

    python floor.py [--batch-size 128] [--precision float32] [--onednn]

No data, no activation, no loss, no noise: 5 products forward, and for each of them the products of its backward pass
(the gradient of the input is not asked of the first). What remains between it and a real step is everything else.
"""

from __future__ import annotations

import argparse

import torch
from torch import Tensor
from worker import serve

from vaekit.training.precision import quicken_float32

WIDTHS = ((784, 400), (400, 40), (20, 400), (400, 784))
"""Inputs and outputs of the layers; the mean and the log-variance are one product of 2 x 20."""
NUM_EXAMPLES = 60_000


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--precision", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--onednn", action="store_true", help="float32 products by oneDNN in place of MKL")
    arguments = parser.parse_args()
    if arguments.onednn and not quicken_float32():
        raise SystemExit("oneDNN would round to bfloat16 on this processor.")
    torch.set_flush_denormal(True)
    torch.manual_seed(0)
    dtype = getattr(torch, arguments.precision)
    weights = [torch.nn.Parameter(torch.randn(n, m) * 0.01) for n, m in WIDTHS]
    biases = [torch.nn.Parameter(torch.zeros(m)) for _, m in WIDTHS]
    optimizer = torch.optim.Adam([*weights, *biases], fused=True)
    for p in (*weights, *biases):
        p.grad = torch.zeros_like(p)
    num, batch = NUM_EXAMPLES // arguments.batch_size, arguments.batch_size
    inputs = [torch.randn(batch, n).to(dtype) for n, _ in WIDTHS]
    slopes = [torch.randn(batch, m).to(dtype) for _, m in WIDTHS]

    def products(w: list[Tensor]) -> None:
        for i in range(len(WIDTHS)):
            torch.mm(inputs[i], w[i])
        for i in reversed(range(len(WIDTHS))):
            torch.mm(inputs[i].t(), slopes[i])
            if i:
                torch.mm(slopes[i], w[i].t())

    @torch.no_grad()
    def epoch() -> None:
        for _ in range(num):
            products([p.to(dtype) for p in weights])
            optimizer.step()

    serve(epoch)


if __name__ == "__main__":
    main()
