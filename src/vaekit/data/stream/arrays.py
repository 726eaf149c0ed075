"""Arrays in .npy files larger than memory: stretches of rows, read where they are needed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from vaekit.data.arrays import read_array, to_chw
from vaekit.data.folder import PARTS, files_in
from vaekit.data.source import Block, Source
from vaekit.data.stream.decoder import Decoder, lost
from vaekit.data.stream.readers import Readers
from vaekit.data.stream.rows import Rows
from vaekit.errors import UserError

CHUNK_BYTES = 2**17
"""What is read in one go: enough that a disk does not mind where it is, so little that a window has a thousand."""
SAMPLE_BYTES, SAMPLE_CHUNKS = 2**25, 256
"""What is looked at to tell what kind of values an array holds."""


class Shard(NamedTuple):
    """A .npy file: where its values begin, their type, and its shape (n, *shape)."""

    path: str
    offset: int
    dtype: str
    shape: tuple[int, ...]

    @property
    def row_bytes(self) -> int:
        return math.prod(self.shape[1:]) * np.dtype(self.dtype).itemsize

    @property
    def nbytes(self) -> int:
        return self.shape[0] * self.row_bytes


@dataclass(frozen=True)
class ArrayDecoder(Decoder):
    """Values as they are in the files, in the type and the layout of `Part.raw`.

    Args:
        raw: the type; None leaves values and layout alone.
        levels, unit: as in `Source`, what a sample of the values was taken for; any other value is refused.
        is_image: (n, H, W) and (n, H, W, C) become (n, C, H, W).
    """

    in_processes: ClassVar[bool] = False

    raw: str | None = None
    levels: int | None = None
    unit: bool = False
    is_image: bool = False

    def decode(self, task: Sequence[Any]) -> np.ndarray:
        """Rows of a file; the task is [path, offset, dtype, shape] of the stretch."""
        path, offset, dtype, shape = task
        room = np.empty(math.prod(shape) * np.dtype(dtype).itemsize, np.uint8)
        at = 0
        try:
            with open(path, "rb", buffering=0) as file:
                file.seek(offset)
                while at < len(room):
                    count = file.readinto(room.data[at:])
                    if not count:
                        raise lost(path, "it is cut off")
                    at += count
        except OSError as error:
            raise lost(path, error.strerror or str(error)) from None
        values = room.view(dtype).reshape(shape)
        if self.raw is None:
            return values
        self._check(values, path)
        made = np.ascontiguousarray(values, dtype=self.raw)
        return to_chw(made, path) if self.is_image else made

    def _check(self, values: np.ndarray, path: str) -> None:
        """Refuse values of another kind than the sample's.

        Raises:
            UserError: with the first of them.
        """
        if self.levels is None:
            with np.errstate(over="ignore"):
                bad = ~np.isfinite(values.astype(np.float32, copy=False))
            if self.unit:
                bad |= (values < 0) | (values > 1)
            expected = "0 to 1" if self.unit else "finite numbers"
        elif self.levels == 256 and values.dtype == np.uint8:
            return
        else:
            bad = (values < 0) | (values > self.levels - 1) | (values != np.round(values))
            expected = f"whole numbers from 0 to {self.levels - 1:,}"
        if bad.any():
            raise UserError(
                f"{path} holds {values[bad][0]}, where a sample of the data holds {expected}; correct such values."
            )


class Stretches(Sequence[Any]):
    """The tasks of an ArrayDecoder: every shard in stretches of so many rows, none of them written down."""

    def __init__(self, shards: Sequence[Shard], rows: int) -> None:
        self.shards, self.rows = shards, rows
        self.firsts = np.cumsum([0, *(-(-shard.shape[0] // rows) for shard in shards)])

    def __len__(self) -> int:
        return int(self.firsts[-1])

    def __getitem__(self, chunk: Any) -> Any:
        which = int(np.searchsorted(self.firsts, chunk, "right")) - 1
        shard, start = self.shards[which], int(chunk - self.firsts[which]) * self.rows
        shape = (min(self.rows, shard.shape[0] - start), *shard.shape[1:])
        return shard.path, shard.offset + start * shard.row_bytes, shard.dtype, shape

    @property
    def starts(self) -> np.ndarray:
        """The first row of each stretch, and the number of all rows, (C + 1,)."""
        begins = np.cumsum([0, *(shard.shape[0] for shard in self.shards)])
        pieces = [np.arange(b, b + shard.shape[0], self.rows) for b, shard in zip(begins, self.shards)]
        return np.concatenate([*pieces, begins[-1:]])


def array_files(path: Path) -> list[Path]:
    """The .npy files at a path: itself, or all in a folder."""
    return files_in(path, (".npy",), "array") if path.is_dir() else [path]


def read_shards(path: Path) -> list[Shard]:
    """The headers of the .npy files at a path.

    Raises:
        UserError: a damaged file, or files of different shapes or types.
    """
    shards = [read_header(file) for file in array_files(path)]
    first = shards[0]
    for shard in shards[1:]:
        if (shard.shape[1:], shard.dtype) != (first.shape[1:], first.dtype):
            raise UserError(
                f"{shard.path} holds {np.dtype(shard.dtype)} of shape {shard.shape}, and {first.path} holds "
                f"{np.dtype(first.dtype)} of shape {first.shape}; expected one type, and one shape of an example."
            )
    return [shard for shard in shards if shard.shape[0]] or shards[:1]


def read_header(path: Path) -> Shard:
    """What a .npy file holds, without its values.

    Raises:
        UserError: no such file, damaged, no plain numbers, or columns first.
    """
    readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    try:
        with path.open("rb") as file:
            shape, is_fortran, dtype = readers[np.lib.format.read_magic(file)](file)
            offset = file.tell()
        size = path.stat().st_size
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise UserError(
            f"{path} is cut off, damaged or no .npy file ({error}); make or fetch it again."
        ) from None
    if dtype.hasobject:
        raise UserError(f"{path} holds Python objects, and vaekit never opens a pickle; save plain numbers.")
    if is_fortran and len(shape) > 1:
        raise UserError(f"{path} is stored column by column, so that no row can be read by itself; save it again with "
                        "numpy.ascontiguousarray.")  # fmt: skip
    shard = Shard(str(path), offset, dtype.str, tuple(shape))
    if not shape or size != offset + shard.nbytes:
        raise UserError(f"{path} has {size:,} bytes where its header, {dtype} {shape}, promises "
                        f"{offset + shard.nbytes:,}; it is cut off or damaged, make or fetch it again.")  # fmt: skip
    return shard


def array_rows(shards: Sequence[Shard], decoder: ArrayDecoder, shape: tuple[int, ...]) -> Rows:
    """The rows of some shards; `shape` is that of an example as the decoder makes it."""
    tasks = Stretches(shards, max(1, CHUNK_BYTES // max(1, shards[0].row_bytes)))
    return Rows(Readers(decoder), tasks, tasks.starts, shape, np.dtype(decoder.raw or shards[0].dtype))


def stream_arrays(path: Path, shards: Sequence[Shard]) -> Source:
    """The source of .npy files that stay on the disk.

    Folders called train and test (and valid) are the parts.

    Raises:
        UserError: no numbers, no rows, or values that are not finite.
    """
    plain = array_rows(shards, ArrayDecoder(), shards[0].shape[1:])
    number = min(len(plain), max(2, SAMPLE_BYTES // max(1, plain.row_bytes)))
    sample = plain.gather(plain.spread(number, SAMPLE_CHUNKS)) if len(plain) else np.empty(shards[0].shape)
    reading = read_array(sample, str(path))
    decoder = ArrayDecoder(reading.raw.dtype.name, reading.levels, reading.unit, reading.kind == "image")
    rows = array_rows(shards, decoder, reading.raw.shape[1:])
    return Source(
        _name(path), reading.kind, parts_of(path, shards, rows), reading.levels, reading.unit, reading.dtype
    )


def parts_of(path: Path, shards: Sequence[Shard], rows: Rows) -> dict[str, Block]:
    """The rows as one block, or by the parts that their folders are named after."""
    tops = [Path(shard.path).relative_to(path).parts[0].lower() if path.is_dir() else "" for shard in shards]
    if not (set(tops) <= set(PARTS) and {"train"} < {PARTS[top] for top in tops}):
        return {"all": Block(rows)}
    part_of = np.repeat([PARTS[top] for top in tops], [shard.shape[0] for shard in shards])
    return {part: Block(rows[part_of == part]) for part in np.unique(part_of).tolist()}


def read_resident(path: Path, shards: Sequence[Shard]) -> Source:
    """The same in memory, of .npy files that fit."""
    rows = array_rows(shards, ArrayDecoder(), shards[0].shape[1:])
    reading = read_array(rows.gather(np.arange(len(rows))), str(path))
    blocks = {
        part: Block(reading.raw if block.raw.mask is None else reading.raw[block.raw.taken()])
        for part, block in parts_of(path, shards, rows).items()
    }
    return Source(_name(path), reading.kind, blocks, reading.levels, reading.unit, reading.dtype)


def _name(path: Path) -> str:
    return path.name.split(".")[0] or path.resolve().name
