"""Operators that torch's ONNX exporter lacks, or writes in a form that overflows, in terms of ONNX's own."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

__all__ = ["translations"]


def translations() -> dict[Callable[..., Any], Callable[..., Any]]:
    """For `custom_translation_table`; onnxscript is imported here, where somebody exports.

    `searchsorted` counts the borders that lie below; the table of borders is small. The exporter's `log_sigmoid` is the
    logarithm of a sigmoid that underflows; softplus does not. `lgamma`, of positive numbers, is Stirling's series
    behind four steps of the recurrence, where its error is below 1e-6. A triangular system is solved by its inverse:
    that of 1 + M, M strictly lower, is 1 - M + M^2 - ..., the product of all 1 + (-M)^(2^k), of which log2(size) differ
    from 1.
    """
    from onnxscript import INT64, opset20

    op: Any = opset20  # its types are those of graphs being built, not of these functions

    def searchsorted(
        borders: Any,
        values: Any,
        out_int32: bool = False,
        right: bool = False,
        side: Any = None,
        sorter: Any = None,
    ) -> Any:
        last = op.Constant(value_ints=[-1])
        borders = op.Unsqueeze(borders, op.Constant(value_ints=[-2]))
        values = op.Unsqueeze(values, last)
        is_below = op.LessOrEqual(borders, values) if right or side == "right" else op.Less(borders, values)
        return op.ReduceSum(op.Cast(is_below, to=INT64.dtype), last, keepdims=0)

    def log_sigmoid(x: Any) -> Any:
        return op.Neg(op.Softplus(op.Neg(x)))

    def lgamma(x: Any) -> Any:
        def number(value: float) -> Any:
            return op.Constant(value_float=value)

        y = op.Add(x, number(4.0))
        steps = op.Mul(
            op.Mul(x, op.Add(x, number(1.0))), op.Mul(op.Add(x, number(2.0)), op.Add(x, number(3.0)))
        )
        inverse = op.Reciprocal(y)
        series = op.Mul(inverse, op.Sub(number(1 / 12), op.Mul(number(1 / 360), op.Mul(inverse, inverse))))
        main = op.Sub(op.Mul(op.Sub(y, number(0.5)), op.Log(y)), y)
        return op.Sub(op.Add(op.Add(main, number(0.5 * math.log(2 * math.pi))), series), op.Log(steps))

    def solve_triangular(
        tril: Any, right: Any, upper: bool, left: bool = True, unitriangular: bool = False
    ) -> Any:
        if upper or not left or unitriangular:
            raise NotImplementedError("only lower triangles that stand on the left")
        size = tril.shape[-1]
        eye = op.EyeLike(op.Expand(op.Constant(value_float=1.0), op.Constant(value_ints=[size, size])))
        diagonal = op.Mul(tril, eye)
        columns = op.ReduceSum(diagonal, op.Constant(value_ints=[-2]), keepdims=1)
        power = op.Sub(eye, op.Div(tril, columns))
        inverse = op.Add(eye, power)
        for _ in range(1, (size - 1).bit_length()):
            power = op.MatMul(power, power)
            inverse = op.MatMul(op.Add(eye, power), inverse)
        rows = op.ReduceSum(diagonal, op.Constant(value_ints=[-1]), keepdims=1)
        return op.Div(op.MatMul(inverse, right), rows)

    aten = torch.ops.aten
    return {
        aten.searchsorted.Tensor: searchsorted,
        aten.log_sigmoid.default: log_sigmoid,
        aten.lgamma.default: lgamma,
        aten.linalg_solve_triangular.default: solve_triangular,
    }
