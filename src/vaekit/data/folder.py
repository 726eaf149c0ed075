"""A folder of files: which of them are data, which are damaged, and the parts and labels that sub-folders give."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from vaekit.data.arrays import read_labels
from vaekit.data.source import Block
from vaekit.errors import UserError

PARTS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "valid": "valid",
    "validation": "valid",
    "val": "valid",
}


def files_in(folder: Path, suffixes: tuple[str, ...], what: str) -> list[Path]:
    """All files under a folder with one of these suffixes, in order; hidden ones are left out.

    Args:
        folder: searched with its sub-folders.
        suffixes: in lower case, with the dot.
        what: what such a file is called, "image" for example.

    Raises:
        UserError: there are none.
    """
    found = [Path(base) / name for base, _, names in os.walk(folder, followlinks=True) for name in names]
    found = [path for path in found if not any(p.startswith(".") for p in path.relative_to(folder).parts)]
    wanted = sorted((p for p in found if p.suffix.lower() in suffixes), key=lambda p: p.as_posix())
    if not wanted:
        others = f"{len(found):,} other {'file' if len(found) == 1 else 'files'}" if found else "nothing"
        raise UserError(f"{folder} holds no {what}s, but {others}; expected {', '.join(suffixes)} files.")
    return wanted


def refuse(bad: Mapping[Path, str], total: int, folder: Path, skip_bad: bool | None, what: str) -> list[str]:
    """Notes about the bad files, or the error; None for `skip_bad` where there is no such option."""
    if not bad:
        return []
    first, reason = next(iter(bad.items()))
    if not skip_bad:
        count = f"{len(bad):,} of {total:,} {what}s cannot be used, the first " if len(bad) > 1 else ""
        choice = ", or set skip_bad to leave such files out" if skip_bad is not None and total > 1 else ""
        raise UserError(
            f"{count}{first} cannot be used ({reason}); repair or remove {'them' if count else 'it'}{choice}."
        )
    if len(bad) == total:
        raise UserError(
            f"None of the {total:,} {what}s in {folder} can be used; the first is {first} ({reason})."
        )
    named = ", ".join(path.relative_to(folder).as_posix() for path in list(bad)[:5])
    more = f" and {len(bad) - 5:,} more" if len(bad) > 5 else ""
    return [f"{len(bad):,} {'file' if len(bad) == 1 else 'files'} skipped as unreadable: {named}{more}."]


def labelled(
    raw: Any, names: list[str], what: str
) -> tuple[dict[str, Block], tuple[str, ...], list[str]]:
    """Parts and labels of examples, an array or `Rows`, from the sub-folders: blocks, class names, notes."""
    tops = {name.split("/")[0].lower() for name in names if "/" in name}
    nested = all("/" in name for name in names)
    if not (nested and tops <= set(PARTS) and {"train"} < {PARTS[top] for top in tops}):
        y, label_names, notes = _labels(names, what)
        return {"all": Block(raw, y, names)}, label_names, notes
    y, label_names, notes = _labels([name.split("/", 1)[1] for name in names], what)
    part_of = np.array([PARTS[name.split("/")[0].lower()] for name in names])
    whole = Block(raw, y, names)
    return (
        {part: whole.take(np.flatnonzero(part_of == part)) for part in np.unique(part_of).tolist()},
        label_names,
        notes,
    )


def _labels(names: list[str], what: str) -> tuple[np.ndarray | None, tuple[str, ...], list[str]]:
    """Labels from the first sub-folder of each name."""
    loose = sum("/" not in name for name in names)
    if loose == len(names):
        return None, (), []
    if loose:
        return (
            None,
            (),
            [
                f"{loose:,} {what if loose == 1 else what + 's'} outside the sub-folders, which are no labels then."
            ],
        )
    folders = [name.split("/")[0] for name in names]
    if len(set(folders)) == 1:
        return None, (), []
    return *read_labels(folders, len(names), "The folder"), []
