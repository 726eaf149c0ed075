"""Tables as frames of text: CSV, Parquet and users' frames, every cell as it was written, missing ones null."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit.data.delimited import CHUNK, Form, check_ragged, form_of, open_text
from vaekit.errors import UserError

if TYPE_CHECKING:
    import polars as pl

SUFFIXES = (".csv", ".tsv", ".parquet")
MISSING = ("", "NA", "N/A", "n/a", "NaN", "nan", "-nan", "NULL", "null", "?", "#N/A", "<NA>")
"""What stands for a missing cell, blanks around it left aside."""
MAX_CELLS = 100_000_000
"""Of a larger table a random sample of rows is taken: so many cells need some 5 GB while they are read."""


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


def read_frame(path: Path, *, max_cells: int = MAX_CELLS, seed: int = 0) -> tuple[pl.DataFrame, list[str]]:
    """A file as columns of text, missing cells null, and notes.

    Raises:
        UserError: a format that is not read, a damaged file, ragged lines, no rows.
    """
    pl = import_polars()
    if path.suffix.lower() == ".parquet":
        try:
            lazy = pl.scan_parquet(path)
            rows = lazy.select(pl.len()).collect().item()
            taken, notes = _sampled(lazy, rows, len(lazy.collect_schema()), max_cells, seed)
            return as_text(taken.collect()), notes
        except (pl.exceptions.PolarsError, OSError) as error:
            raise UserError(
                f"{path} is cut off, damaged or no Parquet file ({_first_line(error)})."
            ) from None
    form = form_of(path)
    rows = check_ragged(form)
    if not rows:
        raise UserError(f"{path} has a header and no rows; expected one example a line.")
    with tempfile.TemporaryDirectory() as folder:
        plain = _as_utf8(form, Path(folder))
        lazy = pl.scan_csv(
            plain, separator=form.delimiter, has_header=form.has_header, infer_schema=False,
            with_column_names=lambda _: form.header,
        )  # fmt: skip
        taken, notes = _sampled(lazy, rows, len(form.header), max_cells, seed)
        try:
            frame = taken.collect(engine="streaming")
        except pl.exceptions.PolarsError as error:
            raise UserError(f"{path} could not be read ({_first_line(error)}).") from None
    return as_text(frame), [*form.notes, *notes]


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


def _sampled(lazy: Any, rows: int, columns: int, max_cells: int, seed: int) -> tuple[Any, list[str]]:
    """All rows, or as many random ones as make `max_cells`; by their numbers, so that nothing else is held."""
    pl = import_polars()
    if rows * columns <= max_cells:
        return lazy, []
    keep = max(1, max_cells // columns)
    # Knuth's multiplicative hash of the row number: the same rows with every version of polars.
    mixed = ((pl.col("vaekit_row").cast(pl.UInt64) + seed) * 2654435761) % 2**32
    taken = lazy.with_row_index("vaekit_row").filter(mixed < int(2**32 * keep / rows)).drop("vaekit_row")
    return taken, [
        f"The table has {rows:,} rows; a random sample of about {keep:,} of them was read, to bound memory."
    ]


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


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
