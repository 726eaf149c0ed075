"""How far an exported graph is from PyTorch."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

__all__ = ["error_of"]

LOOSER = {"log_px": 50.0}
"""Outputs that may differ by so much more: masses of whole numbers are small differences, no nearer in PyTorch."""
SMALLEST_SPREAD = 1e-6
"""Whose logarithm is compared."""


def error_of(
    content: bytes,
    outputs: Sequence[str],
    feeds: dict[str, np.ndarray],
    expected: list[np.ndarray],
    *,
    with_log_variance: bool = False,
) -> float:
    """How far a graph is from PyTorch, on all examples at once and on the first one alone.

    A spread that is small may be far off in its logarithm, which the KL has; `with_log_variance` looks at that, too.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    all_of_them = session.run(list(outputs), feeds)
    one = session.run(list(outputs), {name: value[:1] for name, value in feeds.items()})
    if with_log_variance and "std" in outputs:
        place = list(outputs).index("std")
        outputs = [*outputs, "log variance"]
        for arrays in (all_of_them, one, expected := list(expected)):
            arrays.append(2 * np.log(np.maximum(arrays[place], SMALLEST_SPREAD)))
    return max(
        max(_difference(found, value), _difference(first, value[:1])) / LOOSER.get(name, 1.0)
        for name, found, first, value in zip(outputs, all_of_them, one, expected, strict=True)
    )


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    """The largest difference, relative where values are above 1; a hundredth of the share of codes that differ, since
    two codes may be equally near."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return math.inf
    if not np.issubdtype(b.dtype, np.floating):
        return 0.01 * float((a != b).mean())
    if not np.array_equal(np.isfinite(a), np.isfinite(b)):
        return math.inf
    gap = np.abs(a.astype(np.float64) - b) / np.maximum(1.0, np.abs(b))
    return float(np.nan_to_num(gap).max(initial=0.0))
