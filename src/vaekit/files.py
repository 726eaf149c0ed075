"""Files that are whole or not there: every write goes to a temporary name and is renamed into place."""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from vaekit.errors import UserError

PICKLES = {".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".bin", ".joblib"}


def refuse_pickle(path: Path) -> None:
    """Refuse, by its name, a model file whose reading can run somebody else's code.

    Raises:
        UserError: it is one.
    """
    if path.suffix.lower() in PICKLES:
        raise UserError(
            f"{path} is a {path.suffix} file, which can execute code when opened, so vaekit never reads one; "
            "pass a run folder with config.json and model.safetensors."
        )


ADVICE = "free space or choose another folder with --out, then continue with --resume"


def write_atomic(path: Path, content: bytes, advice: str = ADVICE) -> None:
    """Write `content` so that a kill at any moment leaves the old file or the new one.

    Raises:
        UserError: the disk is full or the folder cannot be written; the old file is untouched.
    """
    with whole_file(path, advice) as file:
        file.write(content)


@contextmanager
def whole_file(path: Path, advice: str = ADVICE) -> Iterator[BinaryIO]:
    """A file to be written piece by piece, which takes its name when all is there, and never does where that fails.

    Raises:
        UserError: as `write_atomic`.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(temporary, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(f"{path} could not be written ({error.strerror or error}); {advice}.") from error
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def remove_stale(folder: Path) -> int:
    """Remove what writers left that were killed while they wrote; returns how many files.

    Args:
        folder: searched with its sub-folders.
    """
    if os.name != "posix":
        return 0  # elsewhere asking whether a process lives can end it
    count = 0
    for path in folder.rglob(".*.tmp"):
        found = re.fullmatch(r"\..+\.(\d+)\.tmp", path.name)
        if found and path.is_file() and not _lives(int(found[1])):
            path.unlink(missing_ok=True)
            count += 1
    return count


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True  # somebody else's
    return True


def _sync_folder(folder: Path) -> None:
    """Make the rename itself survive a power cut, where the system can."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        except OSError:
            pass  # some network file systems refuse to sync a folder
        finally:
            os.close(handle)


def finite(value: Any) -> Any:
    """A value as JSON can hold it: NaN and infinities become None, keys text, tuples lists.

    Example:
        >>> finite({1: (0.5, float("nan"))})
        {'1': [0.5, None]}
    """
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(k): finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [finite(v) for v in value]
    return value


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, keys in their order, no NaN."""
    write_atomic(path, (json.dumps(value, indent=2, allow_nan=False) + "\n").encode())


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        UserError: the file is missing, or is not JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(f"{path} is missing; expected a run folder that `vaekit train` wrote.") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise UserError(f"{path} is not readable JSON ({error}); it is damaged or not vaekit's.") from None
