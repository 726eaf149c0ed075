"""Delimited text: which encoding, which delimiter, whether every line has as many fields as the header."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from vaekit.errors import UserError

DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
SAMPLE_LINES = 200
CHUNK = 1 << 20


@dataclass
class Form:
    """How a file of delimited text is written.

    Args:
        path: the file.
        encoding: "utf-8-sig" (which is UTF-8 with or without a mark) or "latin-1".
        delimiter: one character.
        header: the names of the columns; made up where the first line is data.
        has_header: whether the first line holds names.
        notes: sentences for the user.
    """

    path: Path
    encoding: str
    delimiter: str
    header: list[str]
    has_header: bool
    notes: list[str]


def form_of(path: Path) -> Form:
    """Encoding, delimiter and header of a file.

    Raises:
        UserError: an empty or damaged file, a single column, a name that comes twice.
    """
    encoding, notes = _encoding(path)
    with open_text(path, encoding) as file:
        lines = [line for line in itertools.islice(file, SAMPLE_LINES) if line.strip()]
    if not lines:
        raise UserError(f"{path} is empty; expected a header and one example a line.")
    delimiter = _delimiter(lines)
    if delimiter is None:
        raise UserError(
            f"{path} has a single column by every delimiter tried ({', '.join(DELIMITERS.values())}); separate its "
            "columns by one of them."
        )
    first = next(csv.reader(lines[:1], delimiter=delimiter))
    header, has_header = [name.strip() for name in first], True
    if all(is_number(name) for name in header):
        has_header, header = False, [f"column_{i + 1}" for i in range(len(first))]
        notes.append(f"The first line of {path.name} holds numbers, so it was read as data; the columns are called "
                     f"column_1 to column_{len(first)}.")  # fmt: skip
    empty = [i for i, name in enumerate(header) if not name]
    for i in empty:
        header[i] = f"column_{i + 1}"
        notes.append(f"Column {i + 1} has no name in the header; it is called column_{i + 1}.")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise UserError(
            f'{path} has {header.count(twice[0])} columns called "{twice[0]}"; give each a name of its own.'
        )
    return Form(path, encoding, delimiter, header, has_header, notes)


def is_number(text: str) -> bool:
    """Whether a text is a number, infinite ones included."""
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text


def check_ragged(form: Form) -> int:
    """Read every line once, holding one, and count those with data.

    Raises:
        UserError: a line with more or fewer fields than the header, or a damaged file.
    """
    count, width = 0, len(form.header)
    with open_text(form.path, form.encoding) as file:
        reader = csv.reader(file, delimiter=form.delimiter)
        try:
            for fields in itertools.islice(reader, int(form.has_header), None):
                if len(fields) != width and fields:
                    raise UserError(
                        f"{form.path}, line {reader.line_num}: {len(fields)} fields where the header has {width}, "
                        f"separated by {DELIMITERS[form.delimiter]}s; correct the line, or put quotes around a value "
                        "that holds the delimiter."
                    )
                count += bool(fields)
        except csv.Error as error:
            raise UserError(f"{form.path}, line {reader.line_num}: {error}; correct the line.") from None
    return count


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[TextIO]:
    """The file as text, unpacked where its name ends in .gz.

    Raises:
        UserError: it is cut off or damaged.
    """
    try:
        with _open_bytes(path) as raw, io.TextIOWrapper(raw, encoding=encoding, newline="") as text:
            yield text
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path} is cut off or damaged ({error}); make or fetch it again.") from None


def _open_bytes(path: Path) -> Any:
    return gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb")


def _encoding(path: Path) -> tuple[str, list[str]]:
    """UTF-8 where the whole file is, else Latin-1, which any bytes are; in chunks, so that memory stays small."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        with _open_bytes(path) as file:
            chunk = file.read(CHUNK)
            if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in chunk:
                raise UserError(
                    f"{path} is no UTF-8 or Latin-1 text (UTF-16, or binary); save it as a UTF-8 CSV."
                )
            while chunk:
                decoder.decode(chunk)
                chunk = file.read(CHUNK)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "latin-1", [f"{path.name} is not UTF-8; it was read as Latin-1."]
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path} is cut off or damaged ({error}); make or fetch it again.") from None
    return "utf-8-sig", []


def _delimiter(lines: list[str]) -> str | None:
    """The delimiter by which most lines have as many fields as the first, at least 2; None where none has."""
    best, found = (0.0, 0), None
    for delimiter in DELIMITERS:
        widths = [len(fields) for fields in csv.reader(lines, delimiter=delimiter) if fields]
        if widths[0] < 2:
            continue
        score = (round(sum(w == widths[0] for w in widths) / len(widths), 1), widths[0])
        if score > best:
            best, found = score, delimiter
    return found
