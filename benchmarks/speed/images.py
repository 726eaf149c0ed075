"""MNIST as two uint8 arrays, read without vaekit, so that peers need nothing of it."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

import numpy as np


def mnist() -> tuple[np.ndarray, np.ndarray]:
    """Training and test images, (60000, 28, 28) and (10000, 28, 28)."""
    root = Path(os.environ["VAEKIT_DATA"])
    return tuple(_read(root, f"{part}-images-idx3-ubyte") for part in ("train", "t10k"))  # type: ignore[return-value]


def _read(root: Path, name: str) -> np.ndarray:
    path = next(p for p in sorted(root.rglob(f"{name}*")) if "fashion" not in str(p).lower())
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 28, 28)
