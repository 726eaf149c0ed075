"""`import vaekit` and `vaekit --help` are quick and leave torch alone."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# torch takes seconds to import; matplotlib and scikit-learn most of one.
HEAVY = {"torch", "matplotlib", "sklearn", "scipy", "pandas"}
MAX_HELP_SECONDS = 0.3

HELP = "from vaekit.cli import main; assert not main(['--help'])"


def modules_after(code: str) -> set[str]:
    """Top-level modules that are loaded when `code` ends, in a fresh interpreter."""
    program = (
        f"import sys\ntry:\n    exec({code!r})\n"
        "except SystemExit as error:\n    assert not error.code, error.code\n"
        "print('modules', *{name.partition('.')[0] for name in sys.modules}, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    line = next(line for line in done.stderr.splitlines() if line.startswith("modules "))
    return set(line.split()[1:])


def test_the_probe_sees_an_import() -> None:
    assert "colorsys" in modules_after("import colorsys")
    assert "colorsys" not in modules_after("pass")


def test_import_leaves_torch_alone() -> None:
    assert modules_after("import vaekit; vaekit.__version__; vaekit.Settings; vaekit.Run") & HEAVY == set()


def test_help_leaves_torch_alone() -> None:
    loaded = modules_after(HELP)
    assert "vaekit" in loaded
    assert loaded & HEAVY == set()


def test_a_verbs_help_leaves_torch_alone() -> None:
    assert modules_after(HELP.replace("['--help']", "['train', '--help']")) & HEAVY == set()


def test_help_is_quick() -> None:
    """Processor time, the best of several: other work on the machine slows a run, nothing speeds one up."""
    seconds = []
    for _ in range(12):
        before = os.times()
        subprocess.run([sys.executable, "-c", HELP], capture_output=True, check=True)
        after = os.times()
        seconds.append(
            after.children_user - before.children_user + after.children_system - before.children_system
        )
        if seconds[-1] <= MAX_HELP_SECONDS:
            break
    assert min(seconds) <= MAX_HELP_SECONDS


def test_an_unknown_name_is_an_attribute_error() -> None:
    import vaekit

    with pytest.raises(AttributeError, match="Nowhere"):
        _ = vaekit.Nowhere
