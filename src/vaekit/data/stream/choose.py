"""Whether data is read into memory or stays in its files, and the sentence that says so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

import numpy as np

from vaekit.data.memory import memory
from vaekit.data.sounds import SoundOptions
from vaekit.data.source import IMAGE_SUFFIXES, SOUND_SUFFIXES, Block, Source
from vaekit.data.stream.arrays import SAMPLE_BYTES, SAMPLE_CHUNKS
from vaekit.data.stream.order import chunks_of_window
from vaekit.data.stream.rows import Rows
from vaekit.errors import UserError
from vaekit.schema import Schema

Stream = Literal["auto", "always", "never"]
MEMORY_SHARE = 0.4
"""Of the memory: more bytes than this stay in their files, because a split holds them twice for a moment."""


def is_large(need: int) -> bool:
    """Whether so many bytes would not fit into memory in comfort."""
    return need > MEMORY_SHARE * memory()


def open_files(
    path: Path,
    how: Stream,
    *,
    size: int | tuple[int, int] | None = None,
    skip_bad: bool | None = False,
    types: Any = None,
    sound: SoundOptions | None = None,
) -> Source | None:
    """The source of data that stays in its files, or of a folder of .npy files; None for all else.

    Args:
        path: a folder of images, sounds, .npy or Parquet files, or one such file.
        how: "always", "never", or "auto": where it would take more than 0.4 of the memory.
        size, skip_bad, types, sound: as in `open_data`.

    Raises:
        UserError: it is to stay in its files and cannot, or whatever is wrong with it.
    """
    if how not in ("auto", "always", "never"):
        raise UserError(f'stream is "auto", "always" or "never"; "{how}" came.')
    kind = kind_of(path)
    if size is not None and kind in ("array", "table"):
        raise UserError(f"size resizes a folder of images; {path} holds none. Leave size out.")
    if kind == "array":
        return _arrays(path, how)
    if kind == "table" and (how != "never" or path.is_dir()):
        return _table(path, how, types)
    if kind == "image" and how != "never":
        from vaekit.data.stream.images import image_files, size_estimate, stream_images

        paths = image_files(path)
        if how == "always" or is_large(size_estimate(paths, size)):
            return noted(stream_images(path, paths, size, skip_bad))
    elif kind == "sound" and how != "never":
        return _sounds(path, how, sound or SoundOptions(), skip_bad)
    elif how == "always":
        raise UserError(
            f"{path} cannot be streamed; folders of images or sounds, .npy and .parquet files can. Leave stream out."
        )
    return None


def _sounds(path: Path, how: Stream, options: SoundOptions, skip_bad: bool | None) -> Source | None:
    from vaekit.data.stream.sounds import size_bound, sound_files, stream_sounds

    paths = sound_files(path)
    if how == "auto" and not is_large(size_bound(paths)):
        return None
    source = stream_sounds(path, paths, options, skip_bad)
    need = sum(
        len(block) * block.raw.row_bytes for block in source.blocks.values() if isinstance(block.raw, Rows)
    )
    return noted(source) if how == "always" or is_large(need) else None


def _arrays(path: Path, how: Stream) -> Source | None:
    from vaekit.data.stream.arrays import read_resident, read_shards, stream_arrays

    if not path.is_dir() and how != "always" and (how == "never" or not is_large(path.stat().st_size)):
        return None  # read in one go
    shards = read_shards(path)
    if how == "always" or (how == "auto" and is_large(sum(shard.nbytes for shard in shards))):
        return noted(stream_arrays(path, shards))
    return read_resident(path, shards)


def _table(path: Path, how: Stream, types: Any) -> Source | None:
    from vaekit.data.frames import BYTES_PER_CELL, MAX_CELLS
    from vaekit.data.stream.parquet import is_installed, num_cells, parquet_files, stream_parquet

    files = parquet_files(path)
    if how == "auto" and not path.is_dir():
        cells = num_cells(files) if is_installed() else 0
        if cells <= MAX_CELLS and not is_large(cells * BYTES_PER_CELL):
            return None
    if how == "never":
        raise UserError(f"{path} is a folder of Parquet files, which are streamed; leave stream out.")
    return noted(stream_parquet(path, files, types))


def kind_of(path: Path) -> str | None:
    """What can stay in its files, by the names: "image", "sound", "array" or "table"; None for all else."""
    suffixes = {path.suffix.lower()}
    if path.is_dir():
        names = (name for _, _, names in os.walk(path, followlinks=True) for name in names)
        suffixes = {os.path.splitext(name)[1].lower() for name in names if not name.startswith(".")}
        if suffixes & set(IMAGE_SUFFIXES):
            return "image"
    if suffixes & set(SOUND_SUFFIXES):
        return "sound"
    if ".npy" in suffixes:
        return "array"
    return "table" if ".parquet" in suffixes else None


def noted(source: Source) -> Source:
    """The source with the sentence that says how it is read; its record makes it be read so again."""
    rows = [block.raw for block in source.blocks.values() if isinstance(block.raw, Rows)]
    count, chunks = sum(map(len, rows)), sum(int((r.ends[1:] > r.ends[:-1]).sum()) for r in rows)
    window = chunks_of_window(rows[0].ends, rows[0].row_bytes)
    shuffled = (
        "in full random order"
        if chunks == count
        else f"in random order by {chunks:,} chunks, shuffled {window:,} at a time"
    )
    source.notes.append(
        f"Streamed: {count:,} examples, {size_in_words(count * rows[0].row_bytes)} when decoded, stay in their files "
        f"and are read as they are needed, {shuffled}."
    )
    source.identity["stream"] = "always"
    return source


def size_in_words(count: int) -> str:
    """Bytes for a person."""
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB"


def values_for_schema(source: Source, rows: Rows) -> np.ndarray:
    """Training values (n, *shape) that a schema is computed from; none where it follows from the kind alone."""
    if source.levels is not None or source.unit or source.kind == "audio":
        return np.empty((0, *rows.shape), rows.dtype)
    number = min(len(rows), max(2, SAMPLE_BYTES // rows.row_bytes))
    source.notes.append(f"Means and spreads were told from {number:,} of {len(rows):,} training examples.")
    return rows.gather(rows.spread(number, SAMPLE_CHUNKS))


def settle(source: Source, parts: dict[str, Block]) -> Schema:
    """The schema of a streamed table, and from now on its rows decoded by it."""
    from vaekit.data.stream.parquet import settle as settle_table

    return settle_table(source, parts)
