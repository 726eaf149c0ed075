"""Chained: one network after another."""

from __future__ import annotations

from torch import Tensor

from vaekit.errors import UserError
from vaekit.nets.net import Net


class Chained(Net):
    """second(first(x)); the condition goes to whichever of the two takes one, or to both.

    Args:
        first: takes x; a spectrogram, for example.
        second: takes what `first` gives.

    Raises:
        UserError: the two do not fit.

    Example:
        >>> from vaekit.nets import LogMel, ResNetEncoder
        >>> Chained(LogMel((1, 8192), 8000), ResNetEncoder((1, 48, 128), (8, 16))).out_shape
        (16, 12, 32)
    """

    def __init__(self, first: Net, second: Net) -> None:
        super().__init__()
        if first.out_shape != second.in_shape:
            raise UserError(
                f"{type(first).__name__} gives {first.out_shape} and {type(second).__name__} takes {second.in_shape}; "
                "one must be the other."
            )
        if first.condition and second.condition and first.condition != second.condition:
            raise UserError(
                f"The two networks take conditions of {first.condition} and {second.condition} features; give both the "
                "same."
            )
        self.first, self.second = first, second
        self.in_shape, self.out_shape = first.in_shape, second.out_shape
        self.condition = first.condition or second.condition

    def transform(self, x: Tensor, condition: Tensor | None) -> Tensor:
        between = self.first(x, condition if self.first.condition else None)
        return self.second(between, condition if self.second.condition else None)
