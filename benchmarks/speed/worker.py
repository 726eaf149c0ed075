"""What every contender does: wait for a word, run one epoch, say how long it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def serve(epoch: Callable[[], object]) -> None:
    """One untimed epoch, then one timed epoch for each line on standard input."""
    epoch()
    print("ready", flush=True)
    for _ in sys.stdin:
        started = time.perf_counter()
        epoch()
        print(f"{time.perf_counter() - started:.6f}", flush=True)
