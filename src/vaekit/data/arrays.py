"""Arrays: what kind of data an array in memory is, and its labels."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np

from vaekit.errors import UserError

_SHAPES = (
    "expected (N, F) for vectors, or (N, H, W), (N, H, W, C) or (N, C, H, W) for images, one example a row"
)


class Reading(NamedTuple):
    """An array as vaekit keeps it: values (N, *shape) and what they are."""

    raw: np.ndarray
    kind: Literal["image", "array"]
    levels: int | None
    unit: bool
    dtype: str


def as_numpy(values: Any) -> np.ndarray:
    """An array or tensor as a numpy array, without a copy where possible."""
    if hasattr(values, "detach"):
        values = values.detach().cpu()
        if values.dtype.is_floating_point and values.dtype.itemsize == 2:
            values = values.float()  # numpy knows no bfloat16
        return values.numpy()
    return np.asarray(values)


def read_array(x: np.ndarray, what: str, channels_last: bool = True) -> Reading:
    """What `x` is.

    Integers with 3 or 4 axes are images, as are floats in [0, 1] with as many; values that are all 0 or 1, and 8-bit
    vectors, keep their grid; everything else becomes floats to standardize.

    Args:
        x: (N, ...) numbers or bools.
        what: names the array in errors.
        channels_last: how to read an image whose first and last axis could both be channels.

    Raises:
        UserError: a wrong type or shape, no rows, or values that are not finite.
    """
    if x.dtype.kind not in "biuf":
        raise UserError(
            f"{what} has type {x.dtype}; expected numbers. Convert it, for example with x.astype('float32')."
        )
    if x.ndim < 2:
        raise UserError(f"{what} has shape {x.shape}; {_SHAPES}.")
    if 0 in x.shape:
        raise UserError(f"{what} is empty: its shape is {x.shape}; {_SHAPES}.")
    name = x.dtype.name
    if x.dtype.kind == "f":
        _check_finite(x, what)
        if x.min() == 0.0 and x.max() == 1.0 and ((x == 0.0) | (x == 1.0)).all():
            return _read_integers(x.astype(np.uint8), what, channels_last, name)
        unit = x.ndim in (3, 4) and bool(x.min() >= 0.0 and x.max() <= 1.0)
        with np.errstate(over="ignore"):  # checked on the next line
            raw = np.ascontiguousarray(x, dtype=np.float32)
        if not np.isfinite(raw).all():
            raise UserError(f"{what} has values beyond float32, up to {np.abs(x).max():.3g}; rescale it.")
        return Reading(
            to_chw(raw, what, channels_last) if unit else raw, "image" if unit else "array", None, unit, name
        )
    return _read_integers(x, what, channels_last, name)


def _read_integers(x: np.ndarray, what: str, channels_last: bool, name: str) -> Reading:
    low, high = int(x.min()), int(x.max())
    image = x.ndim in (3, 4) and low >= 0 and high <= 65535
    levels = None
    if x.dtype == np.bool_ or (low == 0 and high == 1):
        levels = 2
    elif x.dtype == np.uint8 or (image and high <= 255 and x.dtype != np.uint16):
        levels = 256
    elif image:
        levels = 65536
    if levels is None:
        return Reading(np.ascontiguousarray(x, dtype=np.float32), "array", None, False, name)
    raw = np.ascontiguousarray(x, dtype=np.uint8 if levels <= 256 else np.int32)
    return Reading(
        to_chw(raw, what, channels_last) if image else raw, "image" if image else "array", levels, False, name
    )


def to_chw(x: np.ndarray, what: str, channels_last: bool = True) -> np.ndarray:
    """Images (N, H, W), (N, H, W, C) or (N, C, H, W) as (N, C, H, W)."""
    if x.ndim == 3:
        return x[:, None]
    first, last = x.shape[1] <= 4, x.shape[3] <= 4
    if not first and not last:
        raise UserError(
            f"{what} has shape {x.shape}, an image with neither axis 1 nor axis 3 of 1 to 4 channels."
        )
    if last and (channels_last or not first):
        return np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    return x


def _check_finite(x: np.ndarray, what: str) -> None:
    bad = ~np.isfinite(x)
    if bad.any():
        first = tuple(int(i) for i in np.argwhere(bad)[0])
        number = int(bad.sum())
        value = str(x[first])
        raise UserError(
            f"{what} has {number:,} {'value' if number == 1 else 'values'} that "
            f"{'is' if number == 1 else 'are'} not finite, the first ({value}) at index {first}; "
            "remove or replace such values."
        )


def read_labels(y: Any, count: int, what: str) -> tuple[np.ndarray, tuple[str, ...]]:
    """Labels as int64 positions (N,) and the names of the classes, in sorted order.

    Args:
        y: (N,) integers, whole floats, bools or strings; (N, 1) also.
        count: N, the number of examples.
        what: names the labels in errors.

    Example:
        >>> index, names = read_labels(["cat", "dog", "cat"], 3, "labels")
        >>> index.tolist(), names
        ([0, 1, 0], ('cat', 'dog'))
    """
    labels = as_numpy(y)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or labels.dtype.kind not in "biufU":
        raise UserError(
            f"{what} has shape {labels.shape} and type {labels.dtype}; expected one number or name a row."
        )
    if len(labels) != count:
        raise UserError(f"{what} has {len(labels):,} labels for {count:,} examples; expected one for each.")
    if labels.dtype.kind == "f":
        if not np.isfinite(labels).all() or (labels != np.round(labels)).any():
            raise UserError(
                f"{what} has labels that are not whole numbers; expected classes, not measurements."
            )
        labels = labels.astype(np.int64)
    names, index = np.unique(labels, return_inverse=True)
    return index.reshape(-1).astype(np.int64), tuple(str(name) for name in names.tolist())
