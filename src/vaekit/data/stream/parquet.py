"""Parquet files larger than memory: row groups, decoded to numbers by worker processes."""

from __future__ import annotations

import dataclasses
import functools
import importlib.util
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from vaekit.data.folder import files_in
from vaekit.data.frames import as_text, import_polars, split_missing
from vaekit.data.source import Block, Source
from vaekit.data.stream.decoder import Decoder, lost
from vaekit.data.stream.readers import Readers
from vaekit.data.stream.rows import Rows
from vaekit.data.tables import FARTHEST, cells_of, encode, table_schema
from vaekit.errors import UserError
from vaekit.schema import Column, Schema

if TYPE_CHECKING:
    import polars as pl

SAMPLE_CELLS, SAMPLE_GROUPS = 4_000_000, 256
"""Training cells, from so many row groups at most, that tell what the columns are."""


@dataclass(frozen=True)
class ParquetDecoder(Decoder):
    """Row groups as float64 rows (n, C): numbers in their own units, codes of categories, NaN where missing.

    Args:
        columns: fields of `schema.Column`, for each value of a row.
        offset, scale: of the schema, one each; numbers farther than a model's 32 bits reach count as the farthest.
    """

    columns: Sequence[dict[str, Any]] = ()
    offset: Sequence[float] = ()
    scale: Sequence[float] = ()

    def decode(self, task: Sequence[Any]) -> np.ndarray:
        """A row group; the task is [path, number]."""
        path, group = task
        known = [Column(**fields) for fields in self.columns]
        frame = read_group(path, group, [column.name for column in known])
        made = [
            np.clip(
                numbers_of(frame[column.name], column), middle - FARTHEST * spread, middle + FARTHEST * spread
            )
            for column, middle, spread in zip(known, self.offset, self.scale, strict=True)
        ]
        return np.stack(made, 1)


@dataclass(eq=False)
class TableRows(Rows):
    """Rows of Parquet files; `types` are the kinds of columns that their owner states."""

    types: Any = None


def import_parquet() -> Any:
    """pyarrow.parquet.

    Raises:
        UserError: it is not installed.
    """
    try:
        import pyarrow.parquet
    except ImportError:
        raise UserError(
            "Parquet files larger than memory are read with pyarrow, which is not installed: "
            "pip install 'vaekit[stream]'."
        ) from None
    return pyarrow.parquet


def is_installed() -> bool:
    """Whether there is pyarrow."""
    return importlib.util.find_spec("pyarrow") is not None


def num_cells(files: Sequence[Path]) -> int:
    """Cells of Parquet files, by their footers; none of a file that has no footer, whose reader says so."""
    import pyarrow

    with suppress(OSError, pyarrow.ArrowException):
        return sum(
            opened(str(file)).metadata.num_rows * opened(str(file)).metadata.num_columns for file in files
        )
    return 0


def parquet_files(path: Path) -> list[Path]:
    """The Parquet files at a path: itself, or all in a folder."""
    return files_in(path, (".parquet",), "Parquet file") if path.is_dir() else [path]


@functools.lru_cache(16)
def opened(path: str) -> Any:
    """A Parquet file, its footer read."""
    return import_parquet().ParquetFile(path, memory_map=False)


def read_group(path: str, group: int, names: list[str]) -> pl.DataFrame:
    """Some columns of a row group.

    Raises:
        DataLostError: the file is gone, damaged or another one.
    """
    import pyarrow

    try:
        if not Path(path).exists():
            raise lost(path, "it is gone")
        return import_polars().from_arrow(
            opened(path).read_row_group(group, columns=names, use_threads=False)
        )
    except (OSError, pyarrow.ArrowException, IndexError) as error:
        raise lost(path, (str(error).splitlines() or [type(error).__name__])[0]) from None


def numbers_of(series: pl.Series, column: Column) -> np.ndarray:
    """Cells (N,) of a typed column as numbers or codes, as `cells_of` makes them of text."""
    pl = import_polars()
    if series.dtype.is_numeric() and not column.is_category and column.kind != "datetime":
        return series.cast(pl.Float64).fill_null(np.nan).to_numpy()
    each = series.drop_nulls().unique()
    if len(each) > len(series) // 2:
        return cells_of(_known(series), column)[0]
    if not len(each):
        return np.full(len(series), np.nan)
    # Text is slow: each one is looked up once.
    codes = pl.Series(cells_of(_known(each), column)[0], dtype=pl.Float64)
    return (
        series.replace_strict(each, codes, default=None, return_dtype=pl.Float64).fill_null(np.nan).to_numpy()
    )


def _known(series: pl.Series) -> pl.Series:
    """As text, null where a text stands for a missing cell."""
    return split_missing(as_text(series.to_frame()))[0].to_series()


def stream_parquet(path: Path, files: Sequence[Path], types: Any) -> Source:
    """The source of Parquet files that stay on the disk; what its columns are is settled after the split.

    Raises:
        UserError: a damaged file, or files with different columns.
    """
    import pyarrow

    tasks: list[tuple[str, int]] = []
    counts: list[int] = []
    names: list[str] = []
    for file in files:
        try:
            found = opened(str(file))
        except (OSError, pyarrow.ArrowException) as error:
            raise UserError(
                f"{file} is cut off, damaged or no Parquet file ({str(error).rstrip('.')})."
            ) from None
        names = names or found.schema_arrow.names
        if found.schema_arrow.names != names:
            odd = sorted(set(found.schema_arrow.names) ^ set(names)) or found.schema_arrow.names
            raise UserError(
                f"{file} has other columns than {files[0]} ({', '.join(odd[:3])}); expected the same ones."
            )
        sizes = [found.metadata.row_group(g).num_rows for g in range(found.metadata.num_row_groups)]
        tasks += [(str(file), group) for group, size in enumerate(sizes) if size]
        counts += [size for size in sizes if size]
    if not tasks:
        raise UserError(f"{path} has columns and no rows; expected one example a row.")
    starts = np.concatenate([[0], np.cumsum(counts)])
    rows = TableRows(
        Readers(ParquetDecoder()), tasks, starts, (len(names),), np.dtype(np.float64), types=types
    )
    name = path.name.split(".")[0] or path.resolve().name
    return Source(name, "table", {"all": Block(rows)}, None, dtype="float64")


def rows_of_schema(files: Sequence[Path], schema: Schema) -> Rows:
    """The rows of Parquet files by the columns of a schema that is known.

    Raises:
        UserError: a damaged file, or one that lacks a column.
    """
    rows = stream_parquet(files[0], files, None).blocks["all"].raw
    there = opened(str(files[0])).schema_arrow.names
    if gone := [column.name for column in schema.columns if column.name not in there]:
        raise UserError(
            f"{files[0]} lacks the column{'s' if len(gone) > 1 else ''} {', '.join(gone)} that the model was trained "
            f"on; its columns are {', '.join(there)}."
        )
    return decoded_by(rows, schema)


def decoded_by(rows: Rows, schema: Schema, readers: Readers | None = None) -> Rows:
    """Rows whose values are those of the columns of a schema."""
    return dataclasses.replace(rows, readers=readers or readers_of(schema), shape=schema.shape)


def readers_of(schema: Schema) -> Readers:
    """What reads row groups by the columns of a schema."""
    per_column = [
        v if isinstance(v, tuple) else (v,) * len(schema.columns) for v in (schema.offset, schema.scale)
    ]
    return Readers(ParquetDecoder([dataclasses.asdict(c) for c in schema.columns], *per_column))


def settle(source: Source, parts: dict[str, Block]) -> Schema:
    """The schema, by a sample of the training rows; from now on the rows of all parts are decoded by its columns.

    Raises:
        UserError: no column is left to learn from.
    """
    train = parts["train"].raw
    assert isinstance(train, TableRows)
    columns, block, notes = encode(as_text(_sample(train)), train.types)
    sample = dataclasses.replace(source, columns=columns, notes=[])
    schema = table_schema(sample, {"train": block})
    source.notes += [
        *notes,
        f"What the columns are was told from {len(block):,} of {len(train):,} training rows; a category that is not "
        "among them counts as missing.",
    ]
    readers = readers_of(schema)
    for part in parts.values():
        part.raw = decoded_by(part.raw, schema, readers)
    return schema


def _sample(train: TableRows) -> pl.DataFrame:
    """Training rows from all over the files, as they are there."""
    used = np.flatnonzero(np.diff(train.ends))
    groups = used[np.linspace(0, len(used) - 1, min(len(used), SAMPLE_GROUPS)).astype(np.int64)]
    each = max(1, SAMPLE_CELLS // max(1, train.shape[0]) // len(groups))
    frames = []
    for chunk in groups.tolist():
        path, group = train.tasks[chunk]
        frame = read_group(path, group, opened(path).schema_arrow.names)
        places = np.arange(len(frame)) if train.mask is None else np.flatnonzero(train.bits(chunk))
        if len(places) > each:
            places = np.sort(np.random.RandomState(chunk).permutation(places)[:each])
        frames.append(frame[places])
    return import_polars().concat(frames, how="vertical_relaxed")
