"""One image file: its form without decoding, and its pixels upright, resized and widened."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from PIL import Image, ImageOps

_WORKERS = min(8, os.cpu_count() or 1)
_ORIENTATION = 0x0112  # EXIF; 5 to 8 turn the image by a quarter
T = TypeVar("T")


class Form(NamedTuple):
    """Height, width, channels and bits of a channel."""

    height: int
    width: int
    channels: int
    bits: int


class Bad(NamedTuple):
    """Why a file cannot be used."""

    reason: str


@contextmanager
def strict_pillow() -> Iterator[None]:
    """Pillow's warning about a decompression bomb is an error, its other warnings are silent."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def attempt(work: Callable[[Path], T], path: Path) -> T | Bad:
    """What `work` makes of a file, or why it cannot."""
    try:
        return work(path)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        limit = (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        return Bad(f"more than {limit} megapixels, which may be a decompression bomb")
    except MemoryError:
        raise
    except Exception as error:  # a damaged file makes Pillow's readers raise nearly anything
        reason = str(error).split("\n")[0].replace(f" {str(path)!r}", "").rstrip(".") or type(error).__name__
        return Bad("not an image that can be read" if "cannot identify" in reason else reason)


def in_threads(work: Callable[[Path], T], paths: list[Path]) -> Iterable[T | Bad]:
    with ThreadPoolExecutor(_WORKERS) as pool:
        yield from pool.map(lambda path: attempt(work, path), paths)


def _depth(mode: str) -> tuple[int, int]:
    """Channels and bits that a Pillow mode needs."""
    if mode == "F":
        raise ValueError("pixels are 32-bit floats; convert them to 8 or 16 bits")
    if mode.startswith("I"):
        return 1, 16
    if mode in ("1", "L"):
        return 1, 8
    return (4 if mode in ("RGBA", "RGBa", "LA", "La", "PA") else 3), 8


def header(path: Path) -> tuple[Form, bool]:
    """The form of an image without decoding it, and whether Pillow drops bits of its colours."""
    with Image.open(path) as image:
        width, height = image.size
        # Asked for EXIF it has not met yet, Pillow's PNG reader decodes the whole image.
        exif = image.getexif() if image.format != "PNG" or "exif" in image.info else {}
        if exif.get(_ORIENTATION, 1) >= 5:
            width, height = height, width
        channels, bits = _depth(image.mode)
        return Form(height, width, channels, bits), channels > 1 and ";16" in str(getattr(image, "tile", ""))


def pixels(path: Path, form: Form) -> np.ndarray:
    """One image as (C, H, W), turned upright and resized with antialiasing."""
    with Image.open(path) as file:
        # A JPEG can be decoded at a fraction of its size; three times the target keeps the resizing exact enough.
        side = 3 * max(form.height, form.width)
        file.draft(None, (side, side))
        image = ImageOps.exif_transpose(file)
        channels, bits = _depth(image.mode)
        size = (form.width, form.height)
        if bits == 16:
            values = np.asarray(image)
            if values.min() < 0 or values.max() > 65535:
                raise ValueError("pixels exceed 16 bits; convert them to 8 or 16 bits")
            plane = Image.fromarray(values.astype(np.float32))
            plane = plane if plane.size == size else plane.resize(size, Image.Resampling.LANCZOS)
            out = np.rint(np.clip(np.asarray(plane), 0, 65535)).astype(np.int32)[None]
        else:
            mode = {1: "L", 3: "RGB", 4: "RGBA"}[channels]
            image = image if image.mode == mode else image.convert(mode)
            if image.size != size:
                image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
            grid = np.asarray(image)
            out = grid[None] if grid.ndim == 2 else grid.transpose(2, 0, 1)
    return _widen(out, bits, form)


def _widen(planes: np.ndarray, bits: int, form: Form) -> np.ndarray:
    """Planes (c, H, W) with the channels and bits of `form`: grey repeated, opaque where alpha is missing."""
    if bits < form.bits:
        planes = planes.astype(np.int32) * 257  # 255 -> 65535
    if len(planes) < 3 <= form.channels:
        planes = planes.repeat(3, axis=0)
    if len(planes) < form.channels:
        opaque = np.full_like(planes[:1], 2**form.bits - 1)
        planes = np.concatenate([planes, opaque])
    return planes
