"""Tables as frames of text: CSV, Parquet and users' frames, every cell as it was written, missing ones null."""

from __future__ import annotations

import csv
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit.data.delimited import CHUNK, Form, check_lines, form_of, open_text, records
from vaekit.data.memory import memory
from vaekit.errors import UserError

if TYPE_CHECKING:
    import polars as pl

SUFFIXES = (".csv", ".tsv", ".parquet")
MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "-nan", "NULL", "null", "?", "#N/A", "<NA>")
"""What stands for a missing cell, blanks around it left aside."""
MAX_CELLS = 100_000_000
"""Of a larger table a random sample of rows is taken; of a smaller one too, where memory is short."""
BYTES_PER_CELL, MEMORY_SHARE = 120, 0.4
"""What a cell takes while it is read, as text and as a number, and the share of the memory that all may take."""


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


def cells_that_fit() -> int:
    """How many cells of a table are read at most, by the memory that there is."""
    return min(MAX_CELLS, int(MEMORY_SHARE * memory() / BYTES_PER_CELL))


def read_frame(
    path: Path, *, max_cells: int | None = None, seed: int = 0, whole: bool = False
) -> tuple[pl.DataFrame, list[str]]:
    """A file as columns of text, missing cells null, and notes.

    Args:
        path: .csv, .tsv, also .gz, or .parquet.
        max_cells: of a larger table a random sample of the rows is read; by default as many as the memory holds.
        seed: of that sample.
        whole: refuse such a table instead.

    Raises:
        UserError: a format that is not read, a damaged file, ragged lines, no rows.
    """
    limit = Limit(path, cells_that_fit() if max_cells is None else max_cells, seed, whole)
    frame, notes = (
        _read_parquet(path, limit) if path.suffix.lower() == ".parquet" else _read_text(path, limit)
    )
    return as_text(frame), notes


def _read_parquet(path: Path, limit: Limit) -> tuple[pl.DataFrame, list[str]]:
    pl = import_polars()
    try:
        lazy = pl.scan_parquet(path)
        rows = lazy.select(pl.len()).collect().item()
        if not rows:
            raise UserError(f"{path} has columns and no rows; expected one example a row.")
        taken, notes = limit.sampled(lazy, rows, len(lazy.collect_schema()))
        return taken.collect(engine="streaming"), notes
    except (pl.exceptions.PolarsError, OSError) as error:
        raise UserError(f"{path} is cut off, damaged or no Parquet file ({_first_line(error)}).") from None


def _read_text(path: Path, limit: Limit) -> tuple[pl.DataFrame, list[str]]:
    pl = import_polars()
    form = form_of(path)
    lines = check_lines(form)
    if not lines.rows:
        raise UserError(f"{path} has a header and no rows; expected one example a line.")
    problem = ""
    with tempfile.TemporaryDirectory() as folder:
        # Quotes inside a field, for example, polars refuses and Python's reader takes as they are: it rewrites them.
        for is_plain in (True, False) if lines.is_plain else (False,):
            source = _as_utf8(form, Path(folder)) if is_plain else _rewritten(form, Path(folder))
            try:
                lazy = pl.scan_csv(
                    source, separator=form.delimiter, infer_schema=False, has_header=form.has_header or not is_plain,
                    with_column_names=lambda _: form.header,
                )  # fmt: skip
                taken, notes = limit.sampled(lazy, lines.rows, len(form.header))
                frame = taken.collect(engine="streaming")
            except pl.exceptions.PolarsError as error:
                problem = _first_line(error)
                continue
            if notes or len(frame) == lines.rows:
                return frame, [*form.notes, *notes]
    raise UserError(f"{path} could not be read ({problem or 'its lines cannot be told apart'}).")


@dataclass(frozen=True)
class Limit:
    """How much of a table is read.

    Args:
        path: the table.
        max_cells, seed, whole: as in `read_frame`.
    """

    path: Path
    max_cells: int
    seed: int
    whole: bool

    def sampled(self, lazy: Any, rows: int, columns: int) -> tuple[Any, list[str]]:
        """All rows, or as many random ones as make `max_cells`; by their numbers, so that nothing else is held.

        Raises:
            UserError: there are more, and all are needed.
        """
        pl = import_polars()
        keep = max(1, self.max_cells // columns)
        if rows <= keep:
            return lazy, []
        if self.whole:
            raise UserError(
                f"{self.path} has {rows:,} rows, more than the memory takes at once; give it in pieces of at most "
                f"{keep:,} rows."
            )
        # Knuth's multiplicative hash of the row number: the same rows with every version of polars.
        mixed = ((pl.col("vaekit_row").cast(pl.UInt64) + self.seed) * 2654435761) % 2**32
        taken = lazy.with_row_index("vaekit_row").filter(mixed < int(2**32 * keep / rows)).drop("vaekit_row")
        return taken, [
            f"The table has {rows:,} rows; a random sample of about {keep:,} of them was read, to bound memory."
        ]


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


def _rewritten(form: Form, folder: Path) -> Path:
    """A temporary copy in UTF-8 with a header, the lines with data, and quotes where they are needed."""
    copy = folder / "copy.csv"
    with copy.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, delimiter=form.delimiter, lineterminator="\n")
        writer.writerow(form.header)
        writer.writerows(records(form))
    return copy


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
