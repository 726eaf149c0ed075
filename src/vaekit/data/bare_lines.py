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
    line = delimiter.encode() * (width - 1) + b"\n"
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
            yield text[:cut], _ends(text[:cut], line)
    if rest:
        yield rest + b"\n", _ends(rest + b"\n", line)


def _ends(text: bytes, line: bytes) -> np.ndarray:
    """Where lines end whose delimiters and newline are those of `line`, and that have no quotes or other newlines."""
    marks = text.translate(None, bytes(set(range(256)) - set(line + b'\r"')))
    windows = line[:-1] + b"\r\n"
    count = len(marks) // len(windows)
    is_windows = marks == windows * count and text.count(b"\r\n") == count
    if marks != line * (len(marks) // len(line)) and not is_windows:
        raise NotBareError
    return np.flatnonzero(np.frombuffer(text, np.uint8) == NEWLINE) + 1
