"""Kernel distance between samples and data, without bias at any number of samples."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from vaekit.errors import UserError
from vaekit.evaluation.chunks import standard_error

BLOCK = 1000


@dataclass(frozen=True)
class Kid:
    """The mean over disjoint blocks, and its standard error."""

    value: float
    standard_error: float
    num_blocks: int


def kernel_distance(a: Tensor, b: Tensor, *, block: int = BLOCK) -> Kid:
    """KID: the squared maximum mean discrepancy with the kernel (x.y / F + 1)^3. Binkowski et al., "Demystifying MMD
    GANs", 2018.

    Each block's U-statistic leaves out the pairs of an example with itself, so that its expectation is zero where the
    two sets come from one distribution, and it may be below zero. Blocks are disjoint, so that their spread is an
    honest error.

    Args:
        a, b: features (N, F) and (M, F), in random order.
        block: examples of each side in a block; all of them in one block where there are fewer.

    Raises:
        UserError: fewer than two examples on either side.

    Example:
        >>> a = torch.tensor([[1.0], [1.0]])
        >>> kernel_distance(a, 2 * a).value  # k(1, 1) + k(2, 2) - 2 k(1, 2) = 8 + 125 - 54
        79.0
    """
    num = min(len(a), len(b))
    if num < 2:
        raise UserError("A kernel distance needs at least two examples on either side.")
    size = min(block, num)
    starts = range(0, num - size + 1, size)
    values = torch.tensor(
        [_unbiased(a[s : s + size].double(), b[s : s + size].double()) for s in starts], dtype=torch.float64
    )
    return Kid(float(values.mean()), standard_error(values), len(values))


def _unbiased(a: Tensor, b: Tensor) -> float:
    num = len(a)

    def kernel(x: Tensor, y: Tensor) -> Tensor:
        return (x @ y.T / x.shape[1] + 1) ** 3

    def off_diagonal(k: Tensor) -> Tensor:
        return (k.sum() - k.diagonal().sum()) / (num * (num - 1))

    return float(off_diagonal(kernel(a, a)) + off_diagonal(kernel(b, b)) - 2 * kernel(a, b).mean())
