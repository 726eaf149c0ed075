"""What the names of recordings say: labels, factors, and which segments belong together."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from vaekit.data.arrays import read_labels
from vaekit.data.source import Block
from vaekit.errors import UserError


def group(blocks: dict[str, Block], source: np.ndarray, least: int = 20) -> list[str]:
    """Mark segments that belong together, so that a split does not tear them apart and leak between its parts.

    They are those of one recording; where there are few recordings, those of a stretch of one.

    Args:
        blocks: get groups.
        source: which recording each example is of, (N,).
        least: groups wanted.

    Returns:
        Sentences for the user.
    """
    whole = blocks.get("all")
    if whole is None or len(whole) < least:
        return []
    stretch = 0 if len(set(source.tolist())) >= least else max(1, len(whole) // least)
    place = np.arange(len(whole)) // stretch if stretch else np.zeros(len(whole), np.int64)
    whole.groups = np.unique(np.stack([source, place]), axis=1, return_inverse=True)[1].reshape(-1)
    if not stretch:
        return []
    return ["There are few recordings, so a part holds stretches of the same ones as the others."]


def label_by_name(
    blocks: dict[str, Block], pattern: str, factors: tuple[str, ...] | None = None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Labels and factors of named examples by a pattern of their names; class names and factor names.

    Args:
        blocks: get labels and factors.
        pattern: as in `SoundOptions`.
        factors: the fields that are factors; by default those that do not tell most examples apart.

    Raises:
        UserError: a pattern without fields, or a name that it does not fit.
    """
    fields = re.findall(r"\{(\w+)\}", pattern)
    if not fields or len(set(fields)) < len(fields):
        raise UserError(
            f'pattern names the fields of a file name, "{{digit}}_{{speaker}}_{{take}}"; "{pattern}" came.'
        )
    pieces = re.split(r"\{(\w+)\}", pattern)
    regex = re.compile("".join(f"(?P<{p}>.+?)" if i % 2 else re.escape(p) for i, p in enumerate(pieces)))
    columns: dict[str, list[str]] = {name: [] for name in fields}
    for name in (name for block in blocks.values() for name in block.names or []):
        stem = Path(re.sub(r"@[\d.]+s$", "", name)).stem
        found = regex.fullmatch(stem)
        if found is None:
            raise UserError(f'The file name {name} does not fit the pattern "{pattern}"; change one of them.')
        for key, value in found.groupdict().items():
            columns[key].append(value)
    count = len(columns[fields[0]])
    read = {key: read_labels(values, count, key) for key, values in columns.items()}
    kept = [key for key in fields if key == fields[0] or 2 * len(read[key][1]) <= count]
    kept = kept if factors is None else list(factors)
    values_of = np.stack([read[key][0] for key in kept], 1)
    at = 0
    for block in blocks.values():
        block.y = read[fields[0]][0][at : at + len(block)]
        block.factors = values_of[at : at + len(block)]
        at += len(block)
    return read[fields[0]][1], tuple(kept)
