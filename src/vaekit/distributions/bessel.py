"""log I_v(x) of the modified Bessel function and its slope, stable from v = 0 to thousands and for any x >= 0."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

LARGE = 40.0
"""From this order on Olver's expansion with `TERMS` terms is exact to 1e-13; below, a recurrence leads down from it."""
TERMS = 9


def _olver_polynomials() -> list[np.ndarray]:
    """U_k(p), coefficients from the constant on, by U_{k+1} = p^2 (1 - p^2) U_k' / 2 + 1/8 int_0^p (1 - 5 t^2) U_k dt.

    DLMF 10.41.9.
    """
    P = np.polynomial.polynomial
    found = [np.array([1.0])]
    for _ in range(TERMS - 1):
        u = found[-1]
        first = P.polymul([0, 0, 0.5, 0, -0.5], P.polyder(u)) if len(u) > 1 else np.zeros(1)
        found.append(P.polyadd(first, P.polyint(P.polymul([1, 0, -5], u)) / 8))
    return found


POLYNOMIALS = _olver_polynomials()


def _log_scaled_large(v: float, x: Tensor) -> Tensor:
    """log(I_v(x) x^-v) for v >= LARGE, by DLMF 10.41.3; x^-v is taken out analytically, so x = 0 is no exception."""
    root = torch.sqrt(v * v + x.square())
    return root - v * torch.log(v + root) - 0.5 * torch.log(2 * math.pi * root) + torch.log(_series(v, root))


def _ratio_large(v: float, x: Tensor) -> Tensor:
    """I_{v+1}(x) / (x I_v(x)) for v >= LARGE: the difference of two such logarithms, taken term by term, because the
    logarithms themselves grow with x and would leave no digits."""
    low, high = torch.sqrt(v * v + x.square()), torch.sqrt((v + 1) ** 2 + x.square())
    rise = (2 * v + 1) / (high + low)
    log_ratio = rise - v * torch.log1p((1 + rise) / (v + low)) - torch.log(v + 1 + high)
    return torch.exp(log_ratio) * torch.sqrt(low / high) * _series(v + 1, high) / _series(v, low)


def _series(v: float, root: Tensor) -> Tensor:
    """sum_k U_k(p) / v^k at p = v / root, root = sqrt(v^2 + x^2)."""
    p = v / root
    series = torch.zeros_like(p)
    for k in reversed(range(TERMS)):
        term = torch.zeros_like(p)
        for coefficient in reversed(POLYNOMIALS[k]):
            term = term * p + float(coefficient)
        series = series + term / v**k
    return series


def log_scaled_and_ratio(v: float, x: Tensor) -> tuple[Tensor, Tensor]:
    """log(I_v(x) x^-v), and I_{v+1}(x) / (x I_v(x)), for v >= 0 and x >= 0 in float64, elementwise.

    Orders below LARGE come from the large one by q_{v-1} = 1 / (x^2 q_v + 2 v), q_v = I_{v+1} / (x I_v): stable in
    this direction, and free of any division by x.
    """
    steps = max(0, math.ceil(LARGE - v))
    top = v + steps
    log_scaled = _log_scaled_large(top, x)
    ratio = _ratio_large(top, x)
    for order in (top - i for i in range(steps)):
        ratio = 1 / (x.square() * ratio + 2 * order)
        log_scaled = log_scaled - torch.log(ratio)
    return log_scaled, ratio


class LogScaledBessel(torch.autograd.Function):
    """log(I_v(x) x^-v); its slope is I_{v+1} / I_v, in closed form."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, v: float) -> Tensor:
        value, ratio = log_scaled_and_ratio(v, x)
        ctx.v = v
        ctx.save_for_backward(x, ratio)
        return value

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        x, _ = ctx.saved_tensors
        return grad * BesselRatio.apply(x, ctx.v), None


class BesselRatio(torch.autograd.Function):
    """A = I_{v+1}(x) / I_v(x); its slope is 1 - A^2 - (2 v + 1) A / x."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, v: float) -> Tensor:
        _, ratio = log_scaled_and_ratio(v, x)
        ctx.v = v
        ctx.save_for_backward(x, ratio)
        return x * ratio

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        x, ratio = ctx.saved_tensors
        return grad * (1 - (x * ratio).square() - (2 * ctx.v + 1) * ratio), None


def log_scaled_bessel(v: float, x: Tensor) -> Tensor:
    """log(I_v(x) x^-v), differentiable in x; computed in float64 where the device has it."""
    return LogScaledBessel.apply(_precise(x), v)


def bessel_ratio(v: float, x: Tensor) -> Tensor:
    """I_{v+1}(x) / I_v(x), differentiable in x; computed in float64 where the device has it."""
    return BesselRatio.apply(_precise(x), v)


def _precise(x: Tensor) -> Tensor:
    return x if x.device.type == "mps" else x.double()
