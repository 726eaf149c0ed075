"""The documents stay true: their Python and the examples run, their links and the files that they name are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PROGRAMS = [
    pytest.param(match[1], id=f"{page.relative_to(ROOT)}-{number}")
    for page in PAGES
    for number, match in enumerate(
        re.finditer(r"^```python\n(.*?)^```", page.read_text("utf-8"), re.M | re.S)
    )
]
PROGRAMS += [pytest.param(path.read_text("utf-8"), id=path.name) for path in (ROOT / "examples").glob("*.py")]


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_in_the_docs_runs(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a run folder may appear
    torch.manual_seed(0)
    exec(program, {"__name__": "docs"})


@pytest.mark.parametrize("page", PAGES, ids=[str(p.relative_to(ROOT)) for p in PAGES])
def test_a_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    local = [link.partition("#")[0] for link in links if "://" not in link and not link.startswith("#")]
    assert [link for link in local if not (page.parent / link).exists()] == []


def test_the_readme_lists_the_verbs() -> None:
    from vaekit.cli.app import VERBS

    rows = re.findall(r"^\| `([\w-]+)` \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == list(VERBS)


def test_the_tree_in_the_readme_is_the_tree() -> None:
    tree = (ROOT / "README.md").read_text(encoding="utf-8").split("src/vaekit/\n", 1)[1].split("```", 1)[0]
    missing, named = [], set()
    for line in tree.splitlines():
        name = line.split()[0]
        path = ROOT / "src" / "vaekit" / name if line.startswith("  ") else ROOT / name
        named.add(path)
        if not path.exists():
            missing.append(name)
    assert missing == [], "the README names files that are not there"
    rooms = {path for path in (ROOT / "src" / "vaekit").iterdir() if not path.name.startswith(("_", "."))}
    assert sorted(p.name for p in rooms - named if p.suffix in ("", ".py")) == [], (
        "rooms without a phrase in README"
    )
