"""`import vaekit` and `vaekit --help` are quick and leave torch alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

# torch takes seconds to import, matplotlib and scikit-learn most of one, numpy a tenth.
HEAVY = {"torch", "matplotlib", "sklearn", "scipy", "pandas", "polars", "numpy"}
TIMES_ITS_PARSER = 3.5
"""What the help may cost, as a multiple of importing the parser of command lines alone; it is 3."""

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


def seconds_of(code: str) -> float:
    """Processor time of `code` in a fresh interpreter."""
    resource = pytest.importorskip("resource", reason="the processor time of children is read by POSIX's means")
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_help_is_quick() -> None:
    """Beside an import on the same machine, the best of several in turns: other work slows a run, nothing speeds one
    up."""
    helps, imports = [], []
    for _ in range(8):
        helps.append(seconds_of(HELP))
        imports.append(seconds_of("import cyclopts"))
        if len(helps) > 2 and min(helps) <= TIMES_ITS_PARSER * min(imports):
            break
    assert min(helps) <= TIMES_ITS_PARSER * min(imports)


def test_an_unknown_name_is_an_attribute_error() -> None:
    import vaekit

    with pytest.raises(AttributeError, match="Nowhere"):
        _ = vaekit.Nowhere
