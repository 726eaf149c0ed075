"""The house holds its shape: imports run one way, files stay small, no pickle, every part is in the table."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import vaekit

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "vaekit"
FILES = sorted(SOURCE.rglob("*.py"))

MAX_FILE_LINES = 350
MAX_FUNCTION_LINES = 80
PARTS_ROOMS = ("nets", "posteriors", "priors", "likelihoods", "objectives")
# Rooms that hold themselves to less than everything above them; `vaekit.ELBO` is a public name.
ONLY = {
    "nets": ("nets.", "component.", "errors.", "poincare.", "ranks."),
    "data": ("data.", "schema.", "errors."),
    "recipes": ("recipes.", "schema.", "training.settings.", "errors.", "public name "),
}
FORBIDDEN_MODULES = {"pickle", "dill", "joblib", "torchvision", "torchaudio", "torchcodec"}


def rooms_in_order(architecture: str) -> list[str]:
    """The rooms of docs/architecture.md's list, from the top down; some lines hold several."""
    listing = architecture.split("src/vaekit/\n", 1)[1].split("```", 1)[0]
    rooms = []
    for line in listing.splitlines():
        for name in line.split():
            if not re.fullmatch(r"\w+(\.py|/)", name):
                break  # the phrase that says what the room is
            rooms.append(name.removesuffix("/").removesuffix(".py"))
    return rooms


ORDER = rooms_in_order((ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))


def room_of(path: Path) -> str:
    """The room of a file below src/vaekit; a folder, or a single file's name."""
    first = path.relative_to(SOURCE).parts[0]
    return first.removesuffix(".py")


def home_of(name: str) -> str | None:
    """The room where a public name of vaekit lives, None for a name that it does not have."""
    module = getattr(getattr(vaekit, name, None), "__module__", "")
    return module.split(".")[1] if module.startswith("vaekit.") else None


def live_nodes(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs: all but the bodies of `if TYPE_CHECKING`."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            for other in node.orelse:
                yield other
                yield from live_nodes(other)
            continue
        yield node
        yield from live_nodes(node)


def imported_modules(tree: ast.AST, package: str) -> list[str]:
    """Dotted names that a file imports, at its top or in a function; `from a import b` gives `a.b`."""
    found = []
    for node in live_nodes(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name != "vaekit"]
            # `import vaekit` counts by what is taken from it: `vaekit.__version__`, or a public name.
            bound = {alias.asname or alias.name for alias in node.names if alias.name == "vaekit"}
            found += [f"vaekit.{name}" for name in attributes(tree, bound)]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parents, *([base] if base else [])])
            found += [f"{base}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            found += [str(a.value) for a in node.args[:1] if isinstance(a, ast.Constant)]
    return found


def attributes(tree: ast.AST, names: set[str]) -> list[str]:
    """What is taken from these names: `f` in `vk.f`."""
    taken = [n for n in live_nodes(tree) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)]
    return [n.attr for n in taken if isinstance(n.value, ast.Name) and n.value.id in names]


def direction_faults(room: str, source: str, package: str = "vaekit") -> list[str]:
    """What a file of a room imports and must not."""
    if room in ("__init__", "__main__"):
        return []
    if room not in ORDER:
        return [f"{room} is no room of docs/architecture.md; give it its place in the list there"]
    above, faults = ORDER[: ORDER.index(room) + 1], []
    for dotted in sorted(set(imported_modules(ast.parse(source), package))):
        head, _, name = dotted.partition(".")
        first = name.partition(".")[0]
        if head != "vaekit" or name == "__version__":
            continue
        is_deep = first in ORDER
        stated = f"{name}." if is_deep else f"public name {name}"
        is_allowed = stated.startswith(ONLY[room]) if room in ONLY else True
        if not is_allowed or (first if is_deep else home_of(first)) not in above:
            faults.append(f"{room} imports {stated.rstrip('.')}")
    return faults


def size_faults(source: str) -> list[str]:
    faults = []
    if (num := source.count("\n")) > MAX_FILE_LINES:
        faults.append(f"{num} lines; a file holds one idea, in at most {MAX_FILE_LINES}")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            size = (node.end_lineno or node.lineno) - node.lineno + 1
            if size > MAX_FUNCTION_LINES:
                faults.append(f"{node.name} has {size} lines of at most {MAX_FUNCTION_LINES}")
    return faults


def safety_faults(source: str) -> list[str]:
    """Ways to run code from a file, and packages that fail beside a CPU-only torch."""
    tree, faults = ast.parse(source), []
    for name in imported_modules(tree, "vaekit"):
        if name.split(".")[0] in FORBIDDEN_MODULES:
            faults.append(f"imports {name}")
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        keywords = {k.arg: ast.unparse(k.value) for k in node.keywords}
        if called == "torch.load":
            faults.append("calls torch.load; weights are safetensors")
        if called in ("np.load", "numpy.load") and keywords.get("allow_pickle") != "False":
            faults.append(f"calls {called} without allow_pickle=False")
        if keywords.get("weights_only") == "False":
            faults.append("passes weights_only=False")
        if keywords.get("allow_pickle") == "True":
            faults.append("passes allow_pickle=True")
        if called in ("eval", "exec", "compile"):
            faults.append(f"calls {called}")
    return faults


def exported_classes(room: str) -> set[str]:
    """Names of classes that a room's __init__ exports, `X as X`; functions start in lower case."""
    tree = ast.parse((SOURCE / room / "__init__.py").read_text(encoding="utf-8"))
    names = {a.asname for n in tree.body if isinstance(n, ast.ImportFrom) for a in n.names if a.asname}
    return {name for name in names if name[0].isupper()}


def table_names(table: str) -> list[str]:
    """The first column of docs/parts.md."""
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


@pytest.mark.parametrize("path", FILES, ids=[str(f.relative_to(SOURCE)) for f in FILES])
def test_a_file_keeps_the_house_rules(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    package = ".".join(["vaekit", *path.relative_to(SOURCE).parts[:-1]])
    faults = direction_faults(room_of(path), source, package)
    assert faults + size_faults(source) + safety_faults(source) == []


def test_every_room_of_the_list_comes_once() -> None:
    assert len(ORDER) == len(set(ORDER))
    assert {"errors", "schema", "component", "conditional", "trace", "model", "cli"} <= set(ORDER)
    assert ORDER[-1] == "cli"


def test_the_parts_table_names_every_part_and_nothing_else() -> None:
    exported = {name for room in PARTS_ROOMS for name in exported_classes(room)}
    rows = table_names((ROOT / "docs" / "parts.md").read_text(encoding="utf-8"))
    assert sorted(exported - set(rows)) == [], "parts without a row in docs/parts.md"
    assert sorted(set(rows) - exported) == [], "rows of docs/parts.md that name no part"
    assert len(rows) == len(set(rows)), "a part has two rows in docs/parts.md"


def test_every_exported_part_is_a_public_name() -> None:
    names = [(room, name) for room in PARTS_ROOMS for name in exported_classes(room)]
    assert [name for room, name in names if home_of(name) != room] == [], (
        "`from vaekit import ...` does not find it"
    )


# The checker itself: each rule is broken once by a small source.


@pytest.mark.parametrize(
    ("room", "source", "fault"),
    [
        ("nets", "from vaekit.distributions import Delta", "distributions.Delta"),
        ("nets", "from vaekit.schema import Schema", "schema.Schema"),
        (
            "nets",
            "from ..priors.standard_normal import StandardNormal",
            "priors.standard_normal.StandardNormal",
        ),
        ("posteriors", "import vaekit.priors.standard_normal", "priors.standard_normal"),
        ("priors", "def f():\n    from vaekit import likelihoods", "likelihoods"),
        ("trace", "from vaekit import VAE", "public name VAE"),
        ("trace", "import vaekit as vk\nvk.VAE", "public name VAE"),
        ("data", "from vaekit.component import Component", "component.Component"),
        ("recipes", "from vaekit.nets.mlp import MLP", "nets.mlp.MLP"),
        ("recipes", "from vaekit.training.loop import fit", "training.loop.fit"),
        ("recipes", "import vaekit as vk\nvk.Nothing", "public name Nothing"),
        ("api", "from vaekit.cli import main", "cli.main"),
        ("api", "import importlib\nimportlib.import_module('vaekit.cli.train')", "cli.train"),
        ("plots", "from vaekit.nowhere import x", "public name nowhere.x"),
    ],
)
def test_the_checker_sees_a_wrong_import(room: str, source: str, fault: str) -> None:
    assert direction_faults(room, source, f"vaekit.{room}") == [f"{room} imports {fault}"]


@pytest.mark.parametrize(
    ("room", "source"),
    [
        ("nets", "from . import mlp"),
        ("priors", "from vaekit.posteriors.diagonal_gaussian import DiagonalGaussian"),
        (
            "objectives",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from vaekit.cli import main",
        ),
        ("recipes", "import vaekit as vk\nfrom vaekit.training.settings import Settings\nvk.MLP(2, 3)"),
        ("run", "import vaekit\nvaekit.__version__"),
        ("run", "from vaekit import __version__"),
        ("cli", "from vaekit.api import train"),
    ],
)
def test_the_checker_passes_a_right_import(room: str, source: str) -> None:
    assert direction_faults(room, source, f"vaekit.{room}") == []


def test_the_checker_sees_a_room_that_is_not_in_the_list() -> None:
    (fault,) = direction_faults("helpers", "")
    assert "docs/architecture.md" in fault


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "def f():\n    from torchvision import datasets",
        "import torch\ntorch.load('model.pt')",
        "import numpy as np\nnp.load('x.npy')",
        "f(weights_only=False)",
        "f(allow_pickle=True)",
        "eval('1')",
    ],
)
def test_the_checker_sees_what_could_run_code(source: str) -> None:
    assert len(safety_faults(source)) == 1


def test_the_checker_sees_long_files_and_functions() -> None:
    body = "    x = 1\n"
    assert size_faults("def f():\n" + body * (MAX_FUNCTION_LINES - 1)) == []
    assert len(size_faults("def f():\n" + body * MAX_FUNCTION_LINES)) == 1
    assert len(size_faults("x = 1\n" * (MAX_FILE_LINES + 1))) == 1


def test_the_checker_reads_rows() -> None:
    assert table_names("| Part | Kind |\n|---|---|\n| `MLP` | net |\n| words | `MLP` |\n") == ["MLP"]
