"""Lines of delimited text without quotes, told apart in blocks of bytes: gigabytes in seconds."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

BLOCK = 1 << 20
LONGEST = 1 << 24
"""Bytes of a line beyond which a file is left to a reader that goes by the character."""
NEWLINE = ord("\n")


class NotBareError(Exception):
    """A quote, a blank line, a lone carriage return, or a line with more or fewer fields than expected."""


def bare_lines(file: BinaryIO, delimiter: str, width: int) -> Iterator[tuple[bytes, np.ndarray]]:
    """Whole lines, block by block, and where each of them ends in its block, newline included.

    Args:
        file: UTF-8, or another encoding in which ASCII is ASCII.
        delimiter: one ASCII character.
        width: fields of every line.

    Raises:
        NotBareError: the lines have to be taken apart by someone who knows quotes, or can say what is wrong.

    Example:
        >>> import io
        >>> [ends.tolist() for _, ends in bare_lines(io.BytesIO(b"a,b\\n10,20"), ",", 2)]
        [[4], [6]]
    """
    rest, is_first = b"", True
    while read := file.read(BLOCK):
        text = rest + read
        if is_first:
            text, is_first = text.removeprefix(codecs.BOM_UTF8), False
        cut = text.rfind(b"\n") + 1
        rest = text[cut:]
        if len(rest) > LONGEST:
            raise NotBareError
        if cut:
            yield text[:cut], _ends(text[:cut], delimiter, width)
    if rest:
        yield rest + b"\n", _ends(rest + b"\n", delimiter, width)


def _ends(text: bytes, delimiter: str, width: int) -> np.ndarray:
    if b'"' in text or text.count(b"\r") != text.count(b"\r\n"):
        raise NotBareError
    codes = np.frombuffer(text, np.uint8)
    at = np.flatnonzero((codes == ord(delimiter)) | (codes == NEWLINE))
    if len(at) % width:
        raise NotBareError
    # Every line is right if the last mark of each group of `width`, and no other, is a newline.
    is_end = (codes[at] == NEWLINE).reshape(-1, width)
    if is_end[:, :-1].any() or not is_end[:, -1].all():
        raise NotBareError
    return at[width - 1 :: width] + 1
