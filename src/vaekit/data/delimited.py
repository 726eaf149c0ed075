"""Delimited text: which encoding, which delimiter, whether every line has as many fields as the header."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import itertools
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

import numpy as np

from vaekit.data.bare_lines import NotBareError, bare_lines
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
        lines = list(itertools.islice((line for line in file if line.strip()), SAMPLE_LINES))
    if not lines:
        raise UserError(f"{path} is empty; expected a header and one example a line.")
    try:
        delimiter = _delimiter(lines)
    except csv.Error as error:
        raise UserError(f"{path} cannot be taken apart ({error}); correct its first lines.") from None
    if delimiter is None:
        raise UserError(
            f"{path} has a single column by every delimiter tried ({', '.join(DELIMITERS.values())}); separate its "
            "columns by one of them."
        )
    first = [name.strip() for name in next(csv.reader(lines, delimiter=delimiter))]
    has_header = not all(is_number(name) for name in first)
    if not has_header:
        notes.append(f"The first line of {path.name} holds numbers, so it was read as data; the columns are called "
                     f"column_1 to column_{len(first)}.")  # fmt: skip
    elif numbers := [name for name in first if is_number(name)]:
        notes.append(f"The first line of {path.name} was read as names, though {numbers[0]} is a number; if it is "
                     "data, put a line of names before it.")  # fmt: skip
    header = first if has_header else [""] * len(first)
    for i in [i for i, name in enumerate(header) if not name]:
        header[i] = _free_name(f"column_{i + 1}", header)
        if has_header:
            notes.append(f"Column {i + 1} has no name in the header; it is called {header[i]}.")
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


def _free_name(name: str, taken: list[str]) -> str:
    """A name that is not taken, with lines behind it where need be."""
    while name in taken:
        name += "_"
    return name


@dataclass
class Lines:
    """What a look at every line found.

    Args:
        rows: how many hold data.
        characters: of all lines.
        is_plain: no blank lines, and every line ends in a newline: what readers other than Python's take alike.
        is_bare: no quotes either, as `bare_rows` asks.
    """

    rows: int = 0
    characters: int = 0
    is_plain: bool = True
    is_bare: bool = False


def check_lines(form: Form) -> Lines:
    """Read every line once, holding few; field by field only where there are quotes, or something is wrong.

    Raises:
        UserError: a line with more or fewer fields than the header, or a damaged file.
    """
    found = Lines(is_bare=True)
    with suppress(NotBareError):
        for text, ends in bare_rows(form):
            found.rows += len(ends)
            found.characters += len(text)
        return found
    found = Lines()
    for _ in records(form, found):
        found.rows += 1
    return found


def bare_rows(form: Form) -> Iterator[tuple[bytes, np.ndarray]]:
    """The lines with data as `bare_lines` gives them, the header left out.

    Raises:
        NotBareError: there are quotes, or a line has more or fewer fields than the header.
        UserError: a damaged file.
    """
    is_header = form.has_header
    with _open_bytes(form.path) as file:
        for text, ends in bare_lines(file, form.delimiter, len(form.header)):
            skipped, is_header = (int(ends[0]), False) if is_header else (0, False)
            yield text[skipped:], ends[1:] - skipped if skipped else ends


def sampled_lines(form: Form, takes: Callable[[np.ndarray], np.ndarray]) -> Iterator[str]:
    """The lines with data of whose numbers `takes` says True, as they stand in the file, some at a time.

    Raises:
        NotBareError: as `bare_rows`.
    """
    passed = 0
    for text, ends in bare_rows(form):
        rows = takes(np.arange(passed, passed + len(ends), dtype=np.uint64)).nonzero()[0]
        starts = np.concatenate([[0], ends[:-1]])
        parts = [text[start:end] for start, end in zip(starts[rows].tolist(), ends[rows].tolist())]
        yield b"".join(parts).decode(form.encoding)
        passed += len(ends)


def records(form: Form, found: Lines | None = None) -> Iterator[list[str]]:
    """The fields of each line with data, in order; `found` learns whether the lines are plain.

    Raises:
        UserError: as `check_lines`.
    """
    found = Lines() if found is None else found
    width, past_header, end = len(form.header), not form.has_header, 0

    def lines(file: TextIO) -> Iterator[str]:
        for line in file:
            found.characters += len(line)
            if line[-1] == "\r" or line.isspace():
                found.is_plain = False
            yield line

    with open_text(form.path, form.encoding) as file:
        reader = csv.reader(lines(file), delimiter=form.delimiter)
        try:
            for fields in reader:
                start, end = end + 1, reader.line_num
                if not fields or (len(fields) == 1 and not fields[0].strip()):
                    continue  # a blank line
                if len(fields) != width:
                    raise UserError(_ragged(form, len(fields), start, end))
                if past_header:
                    yield fields
                past_header = True
        except csv.Error as error:
            raise UserError(f"{form.path}, line {reader.line_num}: {error}; correct the line.") from None


def _ragged(form: Form, count: int, start: int, end: int) -> str:
    """The sentence about a line with the wrong number of fields."""
    where, advice = f"line {start}", "correct the line, or put quotes around a value that holds the delimiter"
    if end > start:
        where, advice = (
            f"lines {start} to {end}",
            "a quote that opens there is never closed, or closed too late",
        )
    return (
        f"{form.path}, {where}: {count} field{'' if count == 1 else 's'} where the header has {len(form.header)}, "
        f"separated by {DELIMITERS[form.delimiter]}s; {advice}."
    )


@contextmanager
def open_text(path: Path, encoding: str) -> Iterator[TextIO]:
    """The file as text, unpacked where its name ends in .gz.

    Raises:
        UserError: it is cut off or damaged.
    """
    with _open_bytes(path) as raw, io.TextIOWrapper(raw, encoding=encoding, newline="") as text:
        yield text


@contextmanager
def _open_bytes(path: Path) -> Iterator[Any]:
    try:
        with gzip.open(path, "rb") if path.suffix.lower() == ".gz" else path.open("rb") as file:
            yield file
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise UserError(f"{path} is cut off or damaged ({error}); make or fetch it again.") from None


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
                if not chunk.isascii() or decoder.getstate()[0]:
                    decoder.decode(chunk)
                chunk = file.read(CHUNK)
            decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "latin-1", [f"{path.name} is not UTF-8; it was read as Latin-1."]
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
