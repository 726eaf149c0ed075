"""Schema: what the data is. Data states it, recipes read it, likelihoods check it."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

from vaekit.errors import UserError

Kind = Literal["image", "audio", "table", "array"]


@dataclass(frozen=True)
class Schema:
    """What one example is, in the file and in the model.

    A model sees `x = (raw - offset) / scale`, a float tensor of `shape`. Images kept as integers have offset 0 and
    scale `levels - 1`, so x lies in [0, 1] on a grid of `levels` values; arrays of floats are standardized.

    Args:
        kind: "image" (C, H, W), "audio" (C, T), "table" (columns,) or "array" (any shape).
        shape: the event shape of one example.
        low, high: smallest and largest value that x can take in the model; infinite where unbounded.
        levels: number of grid values in [low, high] for integer data, None for continuous data.
        offset, scale: the affine map from raw values to x; numbers, or one number per feature.
        dtype: the numpy name of the raw values' type, "uint8" for example.
        label_names: names of the classes in label order; empty when the data has no labels.
        name: what the data is called in titles and model cards.
    """

    kind: Kind
    shape: tuple[int, ...]
    low: float = -math.inf
    high: float = math.inf
    levels: int | None = None
    offset: float | tuple[float, ...] = 0.0
    scale: float | tuple[float, ...] = 1.0
    dtype: str = "float32"
    label_names: tuple[str, ...] = ()
    name: str = "data"

    def __post_init__(self) -> None:
        for field in ("shape", "label_names", "offset", "scale"):
            if isinstance(getattr(self, field), list):
                object.__setattr__(self, field, tuple(getattr(self, field)))
        if self.kind == "image" and (len(self.shape) != 3 or not 1 <= self.shape[0] <= 4):
            raise UserError(f"An image has shape (C, H, W) with 1 to 4 channels; {self.shape} came.")

    @property
    def num_features(self) -> int:
        """Number of values in one example, the dimensions of bits per dimension."""
        return math.prod(self.shape)

    @property
    def num_classes(self) -> int:
        """Number of classes, 0 without labels."""
        return len(self.label_names)

    @property
    def is_binary(self) -> bool:
        """Whether x takes the values 0 and 1 only."""
        return self.levels == 2 and self.low == 0.0 and self.high == 1.0

    @property
    def is_unit(self) -> bool:
        """Whether x lies in [0, 1]."""
        return self.low >= 0.0 and self.high <= 1.0

    def condition_width(self, conditional: bool) -> int:
        """Condition features of a class-conditional model of this data; 0 for an unconditional one.

        Raises:
            UserError: a conditional model of data without labels.
        """
        if conditional and not self.label_names:
            raise UserError(f"A conditional model needs labels, and {self.name} has none; pass labels.")
        return self.num_classes if conditional else 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: infinite bounds become None."""
        values = dataclasses.asdict(self)
        for bound in ("low", "high"):
            values[bound] = values[bound] if math.isfinite(values[bound]) else None
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Schema:
        """The inverse of `to_dict`.

        Raises:
            UserError: a field is unknown or missing.
        """
        values = dict(values)
        if values.get("low", 0.0) is None:
            values["low"] = -math.inf
        if values.get("high", 0.0) is None:
            values["high"] = math.inf
        try:
            return cls(**values)  # lists become tuples on construction
        except TypeError as error:
            raise UserError(f"This is not a vaekit schema: {error}.") from None
