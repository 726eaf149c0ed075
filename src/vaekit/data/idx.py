"""IDX: the file format of MNIST, a big-endian header and then the values; gzipped or plain."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from vaekit.errors import UserError

_TYPES = {0x08: ">u1", 0x09: ">i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}


def read_idx(path: Path) -> np.ndarray:
    """The array in an IDX file.

    Args:
        path: the file; gzip is recognized by its first two bytes.

    Returns:
        A writable array in the machine's own byte order.

    Raises:
        UserError: the file is cut off, damaged or of another format.
    """
    content: bytes | bytearray = path.read_bytes()
    if content[:2] == b"\x1f\x8b":
        try:
            content = gzip.decompress(content)
        except (EOFError, OSError, zlib.error) as error:
            raise UserError(f"{path} is a damaged or cut-off gzip file ({error}); fetch it again.") from None
    return parse_idx(bytearray(content), str(path))


def parse_idx(content: bytearray, where: str) -> np.ndarray:
    """The array in the bytes of an IDX file; `where` names it in errors."""
    rank = content[3] if len(content) >= 4 else 0
    start = 4 + 4 * rank
    if len(content) < start or content[:2] != b"\x00\x00" or content[2] not in _TYPES or not rank:
        raise UserError(
            f"{where} does not begin like an IDX file; expected 0, 0, a type and the number of axes."
        )
    shape = tuple(int(n) for n in np.frombuffer(content, ">u4", rank, 4))
    dtype = np.dtype(_TYPES[content[2]])
    expected = start + math.prod(shape) * dtype.itemsize
    if len(content) != expected:
        raise UserError(
            f"{where} holds {len(content):,} bytes where its header, shape {shape}, promises {expected:,}; "
            "the file is cut off or damaged, fetch it again."
        )
    # A bytearray makes the array writable without a copy.
    values = np.frombuffer(content, dtype, offset=start).reshape(shape)
    return values.astype(dtype.newbyteorder("="), copy=False)
