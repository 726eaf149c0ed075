"""Answer: what a verb found out, for a person as a table or for a program as one JSON object."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from vaekit.files import finite

if TYPE_CHECKING:
    from rich.console import Group


@dataclass
class Answer:
    """What a verb returns.

    Args:
        facts: everything, JSON-ready; `--json` prints it.
        view: makes what a person sees, a rich renderable or a text; called only when it is shown.
    """

    facts: dict[str, Any] = field(default_factory=dict)
    view: Callable[[], Any] | None = None

    def show(self, *, as_json: bool) -> None:
        """Print to standard output."""
        if as_json:
            print(json.dumps(finite(self.facts), indent=2, ensure_ascii=False, allow_nan=False))
        elif self.view is not None:
            show(self.view())
        sys.stdout.flush()


def show(renderable: Any) -> None:
    """Print a table or a text to standard output; a text is never wrapped, so that paths stay whole."""
    from rich.console import Console

    class Strict(Console):
        def on_broken_pipe(self) -> None:
            raise

    console = Strict(highlight=False, width=None if sys.stdout.isatty() else 160)
    for part in renderable if isinstance(renderable, list) else [renderable]:
        console.print(part, markup=False, soft_wrap=isinstance(part, str))


def speaks() -> bool:
    """Whether this process answers; of those that torchrun started, the first one does."""
    return os.environ.get("RANK", "0") == "0"


def say(text: str) -> None:
    """One line of progress on standard error."""
    if speaks():
        print(text, file=sys.stderr, flush=True)


def table(
    title: str, columns: Iterable[str], rows: Iterable[Iterable[Any]], *, numbers: Iterable[int] = ()
) -> Group:
    """A title and a plain table; columns whose places are in `numbers` are aligned to the right.

    Without column names no header is drawn, and the first column, of names, is dim.
    """
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    columns = list(columns)
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_header=any(columns))
    right = set(numbers)
    for i, column in enumerate(columns):
        dim = "dim" if i == 0 and not made.show_header else ""
        made.add_column(column, justify="right" if i in right else "left", overflow="fold", style=dim)
    for row in rows:
        made.add_row(*(Text("" if cell is None else str(cell)) for cell in row))
    return Group(Text(f"\n{title}", style="bold", no_wrap=True, overflow="ignore"), made)


def pairs(title: str, facts: Mapping[str, Any]) -> Group:
    """A title, then names and values, one pair a row, without those that are None or empty."""
    return table(title, ("", ""), [(k, v) for k, v in facts.items() if v is not None and v != ""])


def estimate(results: Mapping[str, Any], name: str) -> str:
    """A figure and its standard error, `98.3 ± 0.4`, the error with two digits; empty where there is none.

    Example:
        >>> estimate({"nll": 98.3456, "nll_se": 0.412}, "nll")
        '98.35 ± 0.41'
    """
    value, error = results.get(name), results.get(f"{name}_se")
    if value is None:
        return ""
    if not isinstance(value, float):
        return f"{value:,}"
    if not error:
        return f"{value:,.4g}"
    digits = max(0, 1 - math.floor(math.log10(error)))
    return f"{value:,.{digits}f} ± {error:.{digits}f}"
