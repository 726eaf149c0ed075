"""Examples that a user brings in files too large to be read at once."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from vaekit.data import Part
    from vaekit.data.sounds import SoundOptions
    from vaekit.data.source import Block, Source
    from vaekit.schema import Schema

LARGE = 2**28
"""Bytes of values from which on they stay in their files; there is nothing to shuffle, so it costs nothing."""


def in_files(path: Path, schema: Schema, sound: SoundOptions | None = None) -> Source | None:
    """The source of a large file or folder, or of a folder of .npy files; None for what is read as usual.

    Raises:
        UserError: unreadable.
    """
    from vaekit.data.stream.choose import kind_of

    kind = kind_of(path)
    if kind == "array":
        from vaekit.data.stream.arrays import read_resident, read_shards, stream_arrays

        if path.is_file() and path.stat().st_size <= LARGE:
            return None
        shards = read_shards(path)
        is_large = sum(shard.nbytes for shard in shards) > LARGE
        return stream_arrays(path, shards) if is_large else read_resident(path, shards)
    if kind == "image" and path.is_dir() and schema.kind == "image":
        from vaekit.data.stream.images import image_files, size_estimate, stream_images

        paths, size = image_files(path), (schema.shape[1], schema.shape[2])
        return stream_images(path, paths, size, None) if size_estimate(paths, size) > LARGE else None
    if kind == "sound" and sound is not None:
        from vaekit.data.stream.sounds import size_bound, sound_files, stream_sounds

        paths = sound_files(path)
        return stream_sounds(path, paths, sound, None) if size_bound(paths) > LARGE else None
    return None


def large_table(path: Path, schema: Schema) -> Part | None:
    """The rows of a large Parquet file, or of a folder of them; None for what is read as usual.

    Raises:
        UserError: a column of the model is missing, or a damaged file.
    """
    import torch

    from vaekit.data.stream.choose import kind_of
    from vaekit.data.stream.part import StreamedPart

    if not path.exists() or kind_of(path) != "table":
        return None
    from vaekit.data.stream.parquet import is_installed, num_cells, parquet_files, rows_of_schema

    files = parquet_files(path)
    if path.is_file() and not (is_installed() and 8 * num_cells(files) > LARGE):
        return None
    rows = rows_of_schema(files, schema)
    return StreamedPart(torch.empty((0, *schema.shape), dtype=torch.float64), None, None, schema, rows=rows)


def whole(source: Source) -> Block:
    """All examples of a source in files, in the order of the files, whatever parts they are in."""
    import numpy as np

    from vaekit.data.source import Block

    blocks = list(source.blocks.values())
    rows = dataclasses.replace(blocks[0].raw, mask=None)
    made = Block(rows)
    if all(block.y is not None for block in blocks):
        made.y = np.empty(len(rows), np.int64)
    names: Any = np.empty(len(rows), object) if all(block.names for block in blocks) else None
    for block in blocks:
        where = block.raw.taken()
        if made.y is not None:
            made.y[where] = block.y
        if names is not None:
            names[where] = block.names
    made.names = None if names is None else names.tolist()
    return made
