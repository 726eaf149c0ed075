"""Source: what a reader hands over, before the split and before any schema."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from vaekit.schema import Column

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
SOUND_SUFFIXES = (".wav", ".flac", ".mp3", ".ogg", ".opus")


@dataclass
class Block:
    """Examples that belong together: raw (N, *shape), with labels, names and factors for each where known.

    Raw values that do not fit into memory are `Rows`. Examples of one of the `groups`, (N,), are never torn apart by a
    split.
    """

    raw: Any  # np.ndarray or Rows
    y: np.ndarray | None = None
    names: list[str] | None = None
    factors: np.ndarray | None = None
    groups: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.raw)

    def take(self, index: np.ndarray) -> Block:
        """The examples at `index`, positions or a mask (N,)."""
        names = None
        if self.names is not None:
            names = [
                self.names[i] for i in (np.flatnonzero(index) if index.dtype == bool else index).tolist()
            ]
        return Block(
            self.raw[index],
            None if self.y is None else self.y[index],
            names,
            None if self.factors is None else self.factors[index],
            None if self.groups is None else self.groups[index],
        )


@dataclass
class Source:
    """Data as read.

    Args:
        name: what to call it.
        kind: "image", "array", "table" or "audio".
        blocks: {"all": ...} without an official split, else {"train": ..., "valid"?: ..., "test"?: ...}.
        levels: number of grid values 0 .. levels - 1 of integer data; None for floats.
        unit: floats that lie in [0, 1] and stay as they are; other floats are standardized.
        dtype: the numpy name of the type in the source.
        label_names: class names, in label order.
        packed: the shape of one example whose bits the blocks hold, eight to the byte; unpacked after the split.
        factor_names: names of the factors' columns.
        columns: of a table, one for each value; what only the training part can tell follows after the split.
        notes: sentences for the user.
        schema: further fields of the Schema that only the reader can know: the rate of sound, for example.
        identity: what goes into `Dataset.source`.
    """

    name: str
    kind: Literal["image", "array", "table", "audio"]
    blocks: dict[str, Block]
    levels: int | None
    unit: bool = False
    dtype: str = "uint8"
    label_names: tuple[str, ...] = ()
    packed: tuple[int, ...] | None = None
    factor_names: tuple[str, ...] = ()
    columns: tuple[Column, ...] = ()
    notes: list[str] = field(default_factory=list)
    schema: dict[str, Any] = field(default_factory=dict)
    identity: dict[str, Any] = field(default_factory=dict)
