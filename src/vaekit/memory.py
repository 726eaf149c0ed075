"""Memory that is free again goes back to the system."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Ask the C library to return what it keeps of freed memory; where it is another than glibc, nothing happens.

    Freed pieces stay with the process as long as something that lives on lies behind them. Between the parts of a
    long job, each of which needs much for a moment, that adds up.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
    if trim is not None:
        trim(0)
