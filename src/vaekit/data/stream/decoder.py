"""Decoder: makes the values of a chunk from what its file holds; rebuilt in worker processes from plain JSON."""

from __future__ import annotations

import dataclasses
import importlib
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from vaekit.errors import DataLostError

DECODERS = {
    "ArrayDecoder": "vaekit.data.stream.arrays",
    "ImageDecoder": "vaekit.data.stream.images",
    "SoundDecoder": "vaekit.data.stream.sounds",
    "ParquetDecoder": "vaekit.data.stream.parquet",
}
"""Every decoder, and the file that holds it."""


@dataclasses.dataclass(frozen=True)
class Decoder:
    """What turns a task, JSON-ready, into the examples of one chunk; its fields are JSON-ready too."""

    in_processes: ClassVar[bool] = True
    """Whether decoding is work that other processes should do; reading alone is done by threads."""

    def decode(self, task: Any) -> np.ndarray:
        """All examples of a chunk, (n, *shape).

        Raises:
            DataLostError: the file is gone, damaged or another one than it was.
        """
        raise NotImplementedError

    def to_config(self) -> dict[str, Any]:
        """JSON from which `from_config` makes the same decoder."""
        return {"decoder": type(self).__name__, "arguments": dataclasses.asdict(self)}


def from_config(config: dict[str, Any]) -> Decoder:
    """The decoder that `to_config` described."""
    name = config["decoder"]
    return getattr(importlib.import_module(DECODERS[name]), name)(**config["arguments"])


def lost(path: str | Path, reason: str) -> DataLostError:
    """The sentence about a file that was there when the data was opened."""
    return DataLostError(
        f"{path} cannot be read any more ({reason.strip().rstrip('.')}); bring it back as it was and continue."
    )
