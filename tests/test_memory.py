"""Freed memory goes back to the system."""

import subprocess
import sys

import pytest

CODE = """
from vaekit.memory import give_back
def resident():
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmRSS")) / 1024
pieces = [bytes(100_000) for _ in range(1000)]
pinned = pieces[-1]
del pieces
before = resident()
give_back()
print(before - resident())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="other systems' libraries need no asking")
def test_what_was_freed_before_a_piece_that_lives_on_is_given_back() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True)
    assert float(done.stdout) > 50  # of 95 MiB
