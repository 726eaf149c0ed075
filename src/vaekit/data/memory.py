"""How much memory there is, so that data which would not fit is refused or sampled before it is read."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

CONTAINER_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
ASSUMED = 16 << 30
"""Where the system does not say."""


def memory() -> int:
    """Bytes that this process may use at most: the computer's, its container's, or its own limit (`ulimit -v`)."""
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
            bounds.append(limit)
    return min(bounds, default=ASSUMED)
