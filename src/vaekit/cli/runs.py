"""vaekit runs: a table of the runs in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vaekit.cli.answer import Answer, estimate, table
from vaekit.cli.common import Common
from vaekit.cli.show import recipe_of, state
from vaekit.errors import UserError
from vaekit.run import Run

EXAMPLE = "vaekit runs"
FIGURES = ("elbo", "nll", "mse")


def runs(folder: str = "runs", /, *, common: Common = Common()) -> Answer:  # noqa: B008
    """List the runs in a folder: recipe, data, epochs, figures, finished or not.

    Args:
        folder: where to look, two levels deep.
    """
    path = Path(folder)
    if not path.is_dir():
        if folder != "runs":
            raise UserError(f"{folder} is not a folder; name one that holds runs.")
        return Answer({"folder": folder, "runs": []}, lambda: "No runs yet; begin with: vaekit train digits")
    patterns = ("config.toml", "*/config.toml", "*/*/config.toml")
    found = sorted({p.parent for pattern in patterns for p in path.glob(pattern)})
    rows = [row for run in map(Run, found) if (row := _row(run)) is not None]

    def view() -> Any:
        if not rows:
            return f"No runs in {folder}; begin with: vaekit train digits"
        cells = [
            [r["run"], r["recipe"], r["data"], r["epochs"], r["state"], *(estimate(r["results"], f) for f in FIGURES)]
            for r in rows
        ]
        return table(
            f"Runs in {folder}", ("run", "recipe", "data", "epochs", "state", *FIGURES), cells, numbers=(3, 5, 6, 7)
        )

    return Answer({"folder": folder, "runs": rows}, view)


def _row(run: Run) -> dict[str, Any] | None:
    """A line of the table; None for a folder that some other program made. A damaged run is listed as such."""
    try:
        config = run.config
        if not {"data", "training"} <= set(config):
            return None
        return {
            "run": str(run.path), "recipe": recipe_of(run), "data": config["data"]["data"],
            "epochs": len(run.metrics()), "epochs_planned": config["training"].get("epochs"), "state": state(run),
            "results": run.results,
        }  # fmt: skip
    except (ValueError, KeyError, TypeError):
        return {"run": str(run.path), "recipe": "", "data": "", "epochs": None, "state": "damaged", "results": {}}
