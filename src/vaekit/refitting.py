"""refit: a run with another prior, as a run of its own."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit.api import choose_device
from vaekit.errors import UserError
from vaekit.files import read_json, write_json
from vaekit.finish import finish_run
from vaekit.fitting import fit_prior
from vaekit.run import Run
from vaekit.training.report import Report
from vaekit.weights import load_model, save_model

if TYPE_CHECKING:
    from vaekit.data import Dataset

__all__ = ["refit"]

COPIED = ("metrics.jsonl", "env.json", "checkpoints/last.safetensors")


def refit(
    run: str | Path | Run,
    kind: str = "mixture",
    *,
    out: str | Path | None = None,
    num_components: int = 10,
    flow: str = "realnvp",
    epochs: int = 50,
    data: Dataset | None = None,
    seed: int = 0,
    device: str = "auto",
    quiet: bool = False,
) -> Run:
    """Fit a prior to the codes of a finished run; the result is a new run, measured and drawn, the old one stays.

    Args:
        run: the run.
        kind, num_components, flow, epochs, seed: as in `fit_prior`.
        out: the new run's folder; by default RUN-KIND, with a number where that is taken.
        data: the data itself, for a run that was trained on arrays from Python.
        device: "auto", "cpu", "cuda", "mps".
        quiet: print nothing.

    Raises:
        UserError: the run is unfinished, the kind does not fit it, or `out` exists.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    if not opened.is_finished:
        raise UserError(
            f"{opened.path} is unfinished; continue it with `vaekit train --resume {opened.path}` first."
        )
    report, chosen = Report(quiet=quiet), choose_device(device)
    model = load_model(opened.path, chosen)
    dataset = opened.load_data() if data is None else data
    report.say(f"Fitting a {kind} prior to the codes of {len(dataset.train):,} training examples ...")
    fitted = fit_prior(
        model, dataset.train, kind, num_components=num_components, flow=flow, epochs=epochs, seed=seed
    )
    new = Run.create(out or _free(opened.path, kind), opened.name, opened.config)
    for name in COPIED:
        if (opened.path / name).exists():
            _link(opened.path / name, new.path / name)
    save_model(fitted, new.path)
    finish_run(new, dataset, chosen, report)
    facts: dict[str, Any] = {"kind": kind, "fitted_to": str(opened.path), "seed": seed}
    if kind == "mixture":
        facts["num_components"] = num_components
    if kind == "flow":
        facts["flow"] = flow
    write_json(new.path / "results.json", read_json(new.path / "results.json") | {"prior": facts})
    return new


def _free(path: Path, kind: str) -> Path:
    """RUN-KIND, or RUN-KIND-2 and so on."""
    names = (f"{path.name}-{kind}{suffix}" for suffix in ("", *(f"-{i}" for i in range(2, 1_000_000))))
    return next(path.with_name(name) for name in names if not path.with_name(name).exists())


def _link(source: Path, target: Path) -> None:
    """The same file under a second name; vaekit replaces files and never changes them in place. Else a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
