"""Sink: results of any length, written as they come; the file is there when all of them are."""

from __future__ import annotations

import csv
import io
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from vaekit.cli.output import ADVICE, Output
from vaekit.errors import UserError
from vaekit.files import whole_file

GROUP_ROWS = 65_536
"""Rows of a row group of a Parquet file, and so of what is held."""
Columns = Mapping[str, Sequence[Any]]


class Sink:
    """Takes rows piece by piece: columns, which say what each row is, and arrays (n, ...).

    Args:
        file: what is written.
        main: the array of a .npy file, and the one whose values follow the columns in a table.
        number: rows in all.
    """

    def __init__(self, file: BinaryIO, main: str, number: int) -> None:
        self.file, self.main, self.number, self.written = file, main, number, 0

    def write(self, columns: Columns, arrays: Mapping[str, np.ndarray]) -> None:
        """Take in n rows."""
        self.put(columns, arrays)
        self.written += len(next(iter([*arrays.values(), *columns.values()])))

    def put(self, columns: Columns, arrays: Mapping[str, np.ndarray]) -> None:
        raise NotImplementedError

    def finish(self) -> None:
        """Write what is still held."""


class NpySink(Sink):
    """The main array as .npy."""

    def put(self, columns: Columns, arrays: Mapping[str, np.ndarray]) -> None:
        values = np.ascontiguousarray(arrays[self.main])
        if not self.written:
            form = {
                "descr": values.dtype.str,
                "fortran_order": False,
                "shape": (self.number, *values.shape[1:]),
            }
            np.lib.format.write_array_header_1_0(self.file, form)
        self.file.write(values.data.cast("B") if values.size else b"")


class NpzSink(Sink):
    """All arrays as .npz; each waits in a file of its own, because a zip archive is written one after another."""

    def __init__(self, file: BinaryIO, main: str, number: int) -> None:
        super().__init__(file, main, number)
        # The names of rows are text of any width, which an array of them must know; they are in memory anyway.
        self.texts: dict[str, list[str]] = {}
        self.folder = Path(tempfile.mkdtemp(prefix=".vaekit-", dir=Path(file.name).parent))
        self.parts: dict[str, NpySink] = {}

    def put(self, columns: Columns, arrays: Mapping[str, np.ndarray]) -> None:
        for name, values in arrays.items():
            if values.dtype.kind == "U":
                self.texts.setdefault(name, []).extend(values.tolist())
                continue
            if name not in self.parts:
                self.parts[name] = NpySink((self.folder / f"{name}.npy").open("wb"), name, self.number)
            self.parts[name].write({}, arrays)

    def finish(self) -> None:
        with zipfile.ZipFile(self.file, "w") as archive:
            for name, part in self.parts.items():
                part.file.close()
                archive.write(self.folder / f"{name}.npy", f"{name}.npy")
            for name, texts in self.texts.items():
                content = io.BytesIO()
                np.save(content, np.array(texts), allow_pickle=False)
                archive.writestr(f"{name}.npy", content.getvalue())
        self.drop()

    def drop(self) -> None:
        for part in self.parts.values():
            part.file.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class CsvSink(Sink):
    """The columns and the values of the main array as .csv."""

    def put(self, columns: Columns, arrays: Mapping[str, np.ndarray]) -> None:
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        numbered = flat_columns(arrays, self.main)
        if not self.written:
            writer.writerow([*columns, *numbered])
        writer.writerows(zip(*columns.values(), *map(_texts, numbered.values()), strict=True))
        self.file.write(out.getvalue().encode())


class ParquetSink(Sink):
    """The same as .parquet, in row groups of one size."""

    def __init__(self, file: BinaryIO, main: str, number: int) -> None:
        super().__init__(file, main, number)
        self.held: list[Any] = []
        self.num_held = 0
        self.target: Any = None

    def put(self, columns: Columns, arrays: Mapping[str, np.ndarray]) -> None:
        import pyarrow

        numbered = {name: np.ascontiguousarray(v) for name, v in flat_columns(arrays, self.main).items()}
        self.held.append(pyarrow.table({**{k: list(v) for k, v in columns.items()}, **numbered}))
        self.num_held += len(self.held[-1])
        if self.num_held >= GROUP_ROWS:
            self.flush()

    def flush(self) -> None:
        import pyarrow.parquet

        table = pyarrow.concat_tables(self.held)
        if self.target is None:
            self.target = pyarrow.parquet.ParquetWriter(self.file, table.schema)
        self.target.write_table(table, row_group_size=len(table))
        self.held, self.num_held = [], 0

    def finish(self) -> None:
        if self.num_held:
            self.flush()
        if self.target is not None:
            self.target.close()


class FrameSink:
    """Takes polars frames piece by piece, for .csv, .tsv and .parquet.

    Args:
        file: what is written.
        suffix: its kind.
    """

    def __init__(self, file: BinaryIO, suffix: str) -> None:
        self.file, self.suffix = file, suffix
        self.held: list[Any] = []
        self.num_held = 0
        self.target: Any = None
        self.is_new = True

    def write(self, frame: Any) -> None:
        """Take in some rows."""
        if self.suffix != ".parquet":
            frame.write_csv(self.file, separator="\t" if self.suffix == ".tsv" else ",", include_header=self.is_new)
            self.is_new = False
            return
        self.held.append(frame)
        self.num_held += len(frame)
        if self.num_held >= GROUP_ROWS:
            self.flush()

    def flush(self) -> None:
        """Write what is held as one row group."""
        import polars

        require_parquet()
        import pyarrow.parquet

        table = polars.concat(self.held).to_arrow()
        if self.target is None:
            self.target = pyarrow.parquet.ParquetWriter(self.file, table.schema)
        self.target.write_table(table, row_group_size=len(table))
        self.held, self.num_held = [], 0

    def finish(self) -> None:
        """Write what is still held; so little that it is all needs polars alone."""
        if self.target is None and self.held:
            import polars

            polars.concat(self.held).write_parquet(self.file)
            return
        if self.held:
            self.flush()
        if self.target is not None:
            self.target.close()


@contextmanager
def frame_sink(planned: Output) -> Iterator[FrameSink]:
    """Where the frames of a verb go; the file appears when the block ends without an error.

    Raises:
        UserError: as `sink`.
    """
    planned.make_folder()
    with whole_file(planned.path, ADVICE) as file:
        made = FrameSink(file, planned.suffix)
        yield made
        made.finish()


SINKS: dict[str, type[Sink]] = {".npy": NpySink, ".npz": NpzSink, ".csv": CsvSink, ".parquet": ParquetSink}


@contextmanager
def sink(planned: Output, main: str, number: int) -> Iterator[Sink]:
    """Where the rows of a verb go; the file appears when the block ends without an error.

    Args:
        planned: the file.
        main: as in `Sink`.
        number: rows in all.

    Raises:
        UserError: the disk is full, the folder cannot be made, or pyarrow is not installed.
    """
    if planned.suffix == ".parquet":
        require_parquet()
    planned.make_folder()
    with whole_file(planned.path, ADVICE) as file:
        made = SINKS[planned.suffix](file, main, number)
        try:
            yield made
            made.finish()
        finally:
            if isinstance(made, NpzSink):
                made.drop()


def require_parquet() -> None:
    """Refuse to write Parquet piece by piece without pyarrow.

    Raises:
        UserError: it is not installed.
    """
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError:
        raise UserError(
            "Parquet files are written with pyarrow, which is not installed: pip install 'vaekit[stream]'."
        ) from None


def flat_columns(arrays: Mapping[str, np.ndarray], main: str) -> dict[str, np.ndarray]:
    """The values of the main array (n, ...) as columns name_1, name_2, ...; none where there is no such array."""
    if main not in arrays:
        return {}
    flat = arrays[main].reshape(len(arrays[main]), -1)
    return {main if flat.shape[1] == 1 else f"{main}_{i + 1}": column for i, column in enumerate(flat.T)}


def _texts(values: np.ndarray) -> Iterable[Any]:
    """Numbers as a table shows them: 7 digits of a decimal."""
    return map("{:.7g}".format, values.tolist()) if values.dtype.kind == "f" else values.tolist()
