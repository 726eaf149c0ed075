"""How much memory there is, so that data which would not fit is refused or sampled before it is read."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

CONTAINER_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
ASSUMED = 16 << 30
"""Where the system does not say."""
UNUSED = 1 << 30
"""Addresses that allocators and threads take and hardly use."""


def memory() -> int:
    """Bytes that this process may use at most: the computer's, its container's, or what is left of its own limit of
    addresses (`ulimit -v`)."""
    bounds = []
    if hasattr(os, "sysconf"):
        bounds.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for path in CONTAINER_LIMITS:
        with suppress(OSError, ValueError):  # "max" where there is none
            bounds.append(int(Path(path).read_text()))
    with suppress(ImportError):  # Windows has no such limits
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            bounds.append(max(0, limit - _addresses() - UNUSED))
    return min(bounds, default=ASSUMED)


def _addresses() -> int:
    """Bytes of addresses that this process has taken, libraries included."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:  # not on Linux
        return 0
