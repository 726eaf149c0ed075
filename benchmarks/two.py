"""How a benchmark starts itself in two processes of torchrun."""

from __future__ import annotations

import sys
from pathlib import Path


def in_two(script: Path) -> list[str]:
    """The command; its own arguments follow."""
    return [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", str(script)]
