"""Blobs: the numbers and graphs of a page, packed small, each under a name that the manifest gives."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from typing import Any

import numpy as np

__all__ = ["Blob", "Blobs"]

WIDTHS = {"float16": 2, "float32": 4, "uint8": 1, "int16": 2, "int32": 4}
WIDEST = 16.0
"""Range of a column in its standard deviations, beyond which a byte has steps that one can see."""


@dataclass(frozen=True)
class Blob:
    """Bytes as the page holds them: gzip, before it perhaps transposed into byte planes.

    Bytes of equal place in their numbers are alike; beside each other they compress better.
    """

    packed: bytes
    planes: int = 1

    @classmethod
    def pack(cls, content: bytes, planes: int = 1) -> Blob:
        """Pack bytes; equal bytes give equal blobs on every machine and day."""
        if planes > 1:
            padded = np.frombuffer(content + bytes(-len(content) % planes), np.uint8)
            content = padded.reshape(-1, planes).T.tobytes()
        return cls(gzip.compress(content, 9, mtime=0), planes)


@dataclass
class Blobs:
    """The blobs of one run.

    Args:
        prefix: what all names begin with, "0-" for the first run.
    """

    prefix: str = ""
    held: dict[str, Blob] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes that they take in a page, in base64."""
        return sum(-(-len(blob.packed) // 3) * 4 for blob in self.held.values())

    def array(self, name: str, values: Any, dtype: str, *, bits: int | None = None) -> dict[str, Any]:
        """Hold an array; returns how the manifest states it.

        Args:
            name: of the blob, without the prefix.
            values: of any shape; float16 is cut to its range.
            dtype: one of the page's types.
            bits: of float16, mantissa bits to keep of its 10; fewer compress better.
        """
        array = np.asarray(values)
        if dtype == "float16":
            array = np.clip(array, -65504, 65504).astype("<f2")
            array = array if bits is None else shortened(array, bits)
        array = np.ascontiguousarray(array, np.dtype(dtype).newbyteorder("<"))
        self.held[self.prefix + name] = Blob.pack(array.tobytes(), WIDTHS[dtype])
        return {"blob": self.prefix + name, "dtype": dtype, "shape": list(array.shape)}

    def column_steps(self, name: str, values: Any, *, bits: int) -> dict[str, Any]:
        """Hold numbers (N, D) or (N,) as a map shows them: in 256 steps over the range of each column, a byte each.

        Where a wild number would make the steps of its column wide, all are float16 instead.

        Args:
            name: of the blob, without the prefix.
            values: finite ones fit into bytes.
            bits: of float16, as in `array`.
        """
        array = np.asarray(values, np.float64)
        if not len(array) or not np.isfinite(array).all():
            return self.array(name, values, "float16", bits=bits)
        low, high = array.min(0), array.max(0)
        if (high - low > WIDEST * array.std(0)).any():
            return self.array(name, values, "float16", bits=bits)
        scale = np.maximum(high - low, 1e-9) / 255
        stated = self.array(name, np.round((array - low) / scale), "uint8")
        return stated | {"scale": _short(scale), "offset": _short(low)}

    def graph(self, name: str, graph: Any) -> dict[str, Any]:
        """Hold an exported graph; returns how the manifest states it."""
        self.held[self.prefix + name] = Blob.pack(filled(graph.onnx), 4)
        return {"blob": self.prefix + name, "inputs": list(graph.inputs), "outputs": list(graph.outputs)}


def _short(values: Any) -> list[float]:
    return [float(f"{v:.6g}") for v in np.atleast_1d(values)]


def filled(onnx: bytes) -> bytes:
    """The content of an .onnx file brought to groups of 4 bytes by a note (field 6) of spaces."""
    num = (-len(onnx) - 2) % 4
    return onnx if not len(onnx) % 4 else onnx + bytes([6 << 3 | 2, num]) + b" " * num


def shortened(halves: np.ndarray, bits: int) -> np.ndarray:
    """float16 with the mantissa rounded to so many bits, the rest zeros.

    Example:
        >>> shortened(np.array([1.1], "<f2"), 3).tolist()
        [1.125]
    """
    drop = 10 - bits
    if drop <= 0:
        return halves
    raw = halves.view("<u2").astype(np.uint32)
    near = ((raw + (1 << (drop - 1))) >> drop) << drop
    made = near.astype("<u2").view("<f2")
    return np.where(np.isfinite(made), made, halves).astype("<f2")
