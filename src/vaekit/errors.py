"""The one exception that vaekit raises for its user's mistakes: a sentence, never a traceback."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Iterable
from typing import Any


class UserError(ValueError):
    """What came, what was expected and what to do, in one or two sentences.

    The command line prints the message and leaves with exit code 2. In Python it is a `ValueError`.
    """


class DataLostError(UserError):
    """A file that was there when the data was opened is gone or damaged; whoever trains saves before it leaves."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, a GPU's or the machine's. By name and text: nothing here imports torch, which raises a
    plain RuntimeError on a CPU.

    Example:
        >>> is_out_of_memory(RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes"))
        True
    """
    is_named = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    return is_named or "can't allocate memory" in str(error)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A suggestion to append to an error about an unknown name, or the list of what is known.

    Example:
        >>> did_you_mean("laten", ["latent", "hidden"])
        'Did you mean "latent"?'
    """
    known = sorted(known)
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    if close:
        return f'Did you mean "{close[0]}"?'
    return f"Known: {', '.join(known)}."


def require_seed(seed: Any) -> int:
    """A seed that every generator takes, as a plain int.

    Raises:
        UserError: no whole number, or one beyond 63 bits.

    Example:
        >>> require_seed(3)
        3
    """
    try:
        value = -1 if isinstance(seed, bool) else operator.index(seed)
    except TypeError:
        value = -1
    if not 0 <= value < 2**63:
        raise UserError(f"seed is a whole number from 0 to 2^63 - 1; {seed!r} came.")
    return value
