"""Schema: what the data is. Data states it, recipes read it, likelihoods check it."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

from vaekit.errors import UserError

Kind = Literal["image", "audio", "table", "array"]
ColumnKind = Literal["continuous", "integer", "count", "binary", "categorical", "ordinal", "datetime"]


@dataclass(frozen=True)
class Column:
    """What one column of a table is. A cell is a number in its own units or the place of its category; NaN is missing.

    Args:
        name: as in the header.
        kind: "integer" and "count" (from 0 up) are whole, "datetime" counts days or seconds since 1970.
        categories: of a "binary", "categorical" or "ordinal" column, by code; in their order where it has one.
        low, high: smallest and largest number in the training part.
        step: 1 where only whole numbers occur, 0 for continuous numbers.
        decimals: digits behind the point as the source writes them; -1 where they differ without limit.
        specials: numbers that repeat so often that each has a probability of its own.
        knots: quantiles of the other numbers, increasing, at evenly spaced normal scores.
        scores: the normal scores of the knots.
        missing: share of missing cells in the training part.
        format: of a "datetime", as in strftime.
    """

    name: str
    kind: ColumnKind
    categories: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 1.0
    step: float = 0.0
    decimals: int = -1
    specials: tuple[float, ...] = ()
    knots: tuple[float, ...] = ()
    scores: tuple[float, ...] = ()
    missing: float = 0.0
    format: str = ""

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            if isinstance(getattr(self, field.name), list):
                object.__setattr__(self, field.name, tuple(getattr(self, field.name)))

    @property
    def is_category(self) -> bool:
        """Whether cells are places in `categories`."""
        return self.kind in ("binary", "categorical", "ordinal")


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
        columns: of a table, one for each value of x; its x is `(raw - offset) / scale` as ever, NaN where missing.
        rate: of sound, samples a second, Hz.
        clips: of sound, "whole" recordings, padded with silence and cut at the end, or their "segments".
        loudness: of sound, the root mean square that examples were brought to, in dB of full scale; None as recorded.
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
    columns: tuple[Column, ...] = ()
    rate: int | None = None
    clips: str | None = None
    loudness: float | None = None

    def __post_init__(self) -> None:
        for field in ("shape", "label_names", "offset", "scale", "columns"):
            if isinstance(getattr(self, field), list):
                object.__setattr__(self, field, tuple(getattr(self, field)))
        if any(isinstance(column, dict) for column in self.columns):
            made = tuple(Column(**c) if isinstance(c, dict) else c for c in self.columns)
            object.__setattr__(self, "columns", made)
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

    @property
    def is_of_numbers(self) -> bool:
        """Whether it is a table of which at least three in four columns are numbers, which often go together
        linearly."""
        numbers = sum(not column.is_category for column in self.columns)
        return len(self.columns) > 0 and 4 * numbers >= 3 * len(self.columns)

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
        if not self.columns:
            del values["columns"]  # only tables have any
        else:
            values["columns"] = [{k: _listed(v) for k, v in column.items()} for column in values["columns"]]
        return {k: _listed(v) for k, v in values.items()}

    def cells(self) -> list[dict[str, Any]]:
        """What networks and likelihoods need to know of the columns of a table, JSON-ready, in the model's units.

        Of a category {"size": number of categories}, of a number {"specials", "knots", "scores", "step", "origin"};
        for both "missing", the share of missing cells.
        """
        made: list[dict[str, Any]] = []
        offsets, scales = _per_column(self.offset, self), _per_column(self.scale, self)
        for column, offset, scale in zip(self.columns, offsets, scales, strict=True):
            if column.is_category:
                made.append({"size": len(column.categories), "missing": column.missing})
                continue
            made.append({
                "specials": [(v - offset) / scale for v in column.specials],
                "knots": [(v - offset) / scale for v in column.knots],
                "scores": list(column.scores),
                "step": column.step / scale,
                "origin": -offset / scale,
                "missing": column.missing,
            })  # fmt: skip
        return made

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


def _listed(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _per_column(value: float | tuple[float, ...], schema: Schema) -> tuple[float, ...]:
    return value if isinstance(value, tuple) else (value,) * len(schema.columns)
