"""Tables as frames of text: CSV, Parquet and users' frames, every cell as it was written, missing ones null."""

from __future__ import annotations

import csv
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from vaekit.data.delimited import CHUNK, Form, Lines, check_lines, form_of, open_text, records, sampled_lines
from vaekit.data.memory import memory
from vaekit.errors import UserError

if TYPE_CHECKING:
    import polars as pl

SUFFIXES = (".csv", ".tsv", ".parquet")
MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "-nan", "NULL", "null", "?", "#N/A", "<NA>")
"""What stands for a missing cell, blanks around it left aside."""
MAX_CELLS = 100_000_000
"""Of a larger table a random sample of rows is taken; of a smaller one too, where memory is short."""
MEMORY_SHARE, BYTES_PER_CELL, COPIES = 0.4, 60, 3
"""The share of the memory that a table may take while it is read: so many bytes a cell, and so many times its text."""
FIRST_ROWS, LEAST_ROWS = 10_000, 1000


def import_polars() -> Any:
    """polars.

    Raises:
        UserError: it is not installed.
    """
    try:
        import polars
    except ImportError:
        raise UserError(
            "Tables are read with polars, which is not installed: pip install 'vaekit[table]'."
        ) from None
    return polars


def is_table(path: Path) -> bool:
    """Whether the name is that of a table: .csv, .tsv or .parquet, the text also as .gz."""
    return Path(path.name.lower().removesuffix(".gz")).suffix in SUFFIXES


def is_frame(data: Any) -> bool:
    """Whether it is a data frame of polars, pandas or another library."""
    return hasattr(data, "columns") and hasattr(data, "shape") and not hasattr(data, "detach")


class Text(NamedTuple):
    """A table as columns of text, missing cells null; notes; and of how many cells it is a sample, None for all."""

    frame: pl.DataFrame
    notes: list[str]
    max_cells: int | None


def read_frame(path: Path, *, max_cells: int | None = None, seed: int = 0, whole: bool = False) -> Text:
    """A file as a `Text`.

    Args:
        path: .csv, .tsv, also .gz, or .parquet.
        max_cells: of a larger table a random sample of the rows is read; by default as many as the memory holds.
        seed: of that sample.
        whole: refuse such a table instead.

    Raises:
        UserError: a format that is not read, a damaged file, ragged lines, no rows.
    """
    limit = Limit(path, max_cells, seed, whole)
    frame, notes = (
        _read_parquet(path, limit) if path.suffix.lower() == ".parquet" else _read_text(path, limit)
    )
    return Text(as_text(frame), [*notes, *limit.notes], limit.max_cells if limit.notes else None)


def _read_parquet(path: Path, limit: Limit) -> tuple[pl.DataFrame, list[str]]:
    pl = import_polars()
    try:
        lazy = pl.scan_parquet(path)
        rows = lazy.select(pl.len()).collect().item()
        if not rows:
            raise UserError(f"{path} has columns and no rows; expected one example a row.")
        first = lazy.head(FIRST_ROWS).collect()
        if limit.is_exceeded(rows, first.width, first.estimated_size() / first.height):
            lazy = lazy.with_row_index("vaekit_row").filter(limit.takes(pl.col("vaekit_row").cast(pl.UInt64)))
            lazy = lazy.drop("vaekit_row")
        return lazy.collect(engine="streaming"), []
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UserError(f"{path} is cut off, damaged or no Parquet file ({_first_line(error)}).") from None


def _read_text(path: Path, limit: Limit) -> tuple[pl.DataFrame, list[str]]:
    pl = import_polars()
    form = form_of(path)
    lines = check_lines(form)
    if not lines.rows:
        raise UserError(f"{path} has a header and no rows; expected one example a line.")
    is_sample = limit.is_exceeded(lines.rows, len(form.header), lines.characters / lines.rows)
    problem = ""
    with tempfile.TemporaryDirectory() as folder:
        # Quotes inside a field, for example, polars refuses and Python's reader takes as they are: it rewrites them. A
        # sample is drawn here too: polars would map a file into memory that may be larger than that.
        for is_plain in (True, False) if lines.is_plain and not is_sample else (False,):
            source = _as_utf8(form, Path(folder)) if is_plain else _rewritten(form, lines, Path(folder), limit)
            try:
                frame = pl.read_csv(
                    source, separator=form.delimiter, infer_schema=False,
                    has_header=form.has_header or not is_plain, new_columns=form.header,
                )  # fmt: skip
            except pl.exceptions.PolarsError as error:
                problem = _first_line(error)
                continue
            if is_sample or len(frame) == lines.rows:
                return frame, form.notes
    raise UserError(f"{path} could not be read ({problem or 'its lines cannot be told apart'}).")


@dataclass
class Limit:
    """How much of a table is read.

    Args:
        path: the table.
        max_cells: at most so many cells; chosen by the memory when None.
        seed, whole: as in `read_frame`.
        share: of the rows that are read.
        notes: a sentence, once it is known that the table is larger.
    """

    path: Path
    max_cells: int | None
    seed: int
    whole: bool
    share: float = 1.0
    notes: list[str] = field(default_factory=list)

    def is_exceeded(self, rows: int, columns: int, row_bytes: float) -> bool:
        """Whether there are more cells than may be read; then rows are drawn.

        Args:
            rows, columns: of the table.
            row_bytes: text of a row, on average.

        Raises:
            UserError: there are more, and all are needed; or there is no memory for a thousand rows.
        """
        if self.max_cells is None:
            have = memory()
            self.max_cells = min(
                MAX_CELLS, int(MEMORY_SHARE * have / (BYTES_PER_CELL + COPIES * row_bytes / columns))
            )
            if self.max_cells < min(rows, LEAST_ROWS) * columns:
                raise UserError(
                    f"{self.path} has {columns:,} columns and {rows:,} rows, and {have / 1e6:,.0f} MB of memory are "
                    "too little to read it; give vaekit more, or the table fewer columns."
                )
        keep = max(1, self.max_cells // columns)
        if rows <= keep:
            return False
        if self.whole:
            raise UserError(
                f"{self.path} has {rows:,} rows, more than the memory takes at once; give it in pieces of at most "
                f"{keep:,} rows."
            )
        self.share = keep / rows
        self.notes = [
            f"The table has {rows:,} rows; a random sample of about {keep:,} of them was read, to bound memory."
        ]
        return True

    def takes(self, row: Any) -> Any:
        """Whether the row of that number is drawn; by its number, so that nothing else is held."""
        # Knuth's multiplicative hash: the same rows with every version of every library.
        return ((row + self.seed) * 2654435761) % 2**32 < int(2**32 * self.share)


def from_any_frame(data: Any) -> pl.DataFrame:
    """A polars, pandas or other frame as columns of text.

    Raises:
        UserError: not a frame, no rows, or a name that comes twice.
    """
    pl = import_polars()
    try:
        import narwhals
    except ImportError:
        raise UserError(
            "Frames are read with narwhals, which is not installed: pip install 'vaekit[table]'."
        ) from None
    names = [str(name) for name in data.columns]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise UserError(
            f'The frame has {names.count(twice[0])} columns called "{twice[0]}"; give each its own name.'
        )
    try:
        frame = narwhals.from_native(data)
    except TypeError:
        raise UserError(
            f"Data of type {type(data).__name__} came; expected a polars or pandas frame."
        ) from None
    if isinstance(frame, narwhals.LazyFrame):
        frame = frame.collect()
    columns = {}
    for name, given in zip(names, frame.columns):
        series = frame.get_column(given)
        try:
            columns[name] = pl.Series(name, series.to_list(), strict=True)
        except (TypeError, pl.exceptions.PolarsError):
            columns[name] = pl.Series(name, [None if v is None else str(v) for v in series.to_list()])
    if not names or not len(frame):
        raise UserError(f"The frame is empty: its shape is {tuple(data.shape)}; expected rows and columns.")
    return as_text(pl.DataFrame(columns))


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Every cell as text without blanks around it."""
    pl = import_polars()
    made = []
    for series in frame:
        if series.dtype == pl.Boolean:
            series = series.cast(pl.String)
        elif series.dtype.is_temporal():
            series = series.dt.to_string("iso:strict" if series.dtype == pl.Datetime else "iso")
            series = series.str.replace(r"T00:00:00(\.0+)?$", "").str.replace(r"\.0+$", "")
        elif series.dtype.is_float():
            series = pl.Series(
                series.name, [None if v is None or v != v else repr(v) for v in series.to_list()], pl.String
            )
            series = series.str.replace(r"\.0$", "")
        elif series.dtype != pl.String:
            series = series.cast(pl.String, strict=False)
        made.append(series.str.strip_chars())
    return pl.DataFrame(made)


def split_missing(frame: pl.DataFrame) -> tuple[pl.DataFrame, dict[str, int]]:
    """Null in place of what stands for a missing cell, and how often each such text occurs."""
    pl = import_polars()
    counts: dict[str, int] = {}
    made = []
    for series in frame:
        stands = series.is_in(MISSING)
        if stands.any():
            for text, count in series.filter(stands).value_counts().iter_rows():
                counts[text] = counts.get(text, 0) + count
        if nulls := series.null_count():
            counts[""] = counts.get("", 0) + nulls
        made.append(pl.select(pl.when(~stands).then(series).alias(series.name)).to_series())
    return pl.DataFrame(made), counts


def _as_utf8(form: Form, folder: Path) -> Path:
    """The file itself where polars can scan it, else a temporary copy in UTF-8, made piece by piece."""
    with form.path.open("rb") as file:
        marked = file.read(3) == b"\xef\xbb\xbf"
    if form.encoding != "latin-1" and form.path.suffix.lower() != ".gz" and not marked:
        return form.path
    copy = folder / "copy.csv"
    with (
        open_text(form.path, form.encoding) as source,
        copy.open("w", encoding="utf-8", newline="") as target,
    ):
        shutil.copyfileobj(source, target, CHUNK)
    return copy


def _rewritten(form: Form, lines: Lines, folder: Path, limit: Limit) -> Path:
    """A temporary copy in UTF-8 with a header, the lines with data that `limit` takes, and quotes where need be."""
    copy = folder / "copy.csv"
    with copy.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, delimiter=form.delimiter, lineterminator="\n")
        writer.writerow(form.header)
        if lines.is_bare and limit.share < 1:
            target.writelines(sampled_lines(form, limit.takes))
        else:
            writer.writerows(fields for row, fields in enumerate(records(form)) if limit.takes(row))
    return copy


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
