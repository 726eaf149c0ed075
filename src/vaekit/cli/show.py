"""vaekit show: a run at a glance."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vaekit.cli.answer import Answer, estimate, pairs
from vaekit.cli.common import Common
from vaekit.cli.inputs import open_run
from vaekit.run import Run

EXAMPLE = "vaekit show runs/digits-1"


def show(run: str, /, *, common: Common = Common()) -> Answer:  # noqa: B008
    """Summarize a run: model, data, settings, figures, and where the pictures are.

    Args:
        run: a run folder, or a name in runs/.
    """
    opened = open_run(run)
    config, results, metrics = opened.config, opened.results, opened.metrics()
    plots = sorted(str(path) for path in (opened.path / "plots").glob("*.png"))
    facts: dict[str, Any] = {
        "run": str(opened.path), "state": state(opened), "epochs": len(metrics), "config": config, "results": results,
        "last_epoch": metrics[-1] if metrics else None, "plots": plots,
    }  # fmt: skip
    if (opened.path / "config.json").exists():
        facts["schema"] = opened.schema.to_dict()
    return Answer(facts, lambda: _view(opened, facts))


def state(run: Run) -> str:
    """finished, training, or where it stopped."""
    from filelock import FileLock, Timeout

    if run.is_finished:
        return "finished"
    if not run.config:
        return "a model alone"
    try:
        if (run.path / ".lock").exists():
            with FileLock(run.path / ".lock", timeout=0):
                pass
    except Timeout:
        return "training"
    except OSError:
        pass  # a folder that may only be read is not being trained by us
    return "stopped"


def recipe_of(run: Run) -> str:
    """The recipe's name, or that there is none."""
    return run.config.get("recipe", {}).get("name", "by hand")


def _view(run: Run, facts: dict[str, Any]) -> list[Any]:
    config, results = facts["config"], facts["results"]
    training, schema = config.get("training", {}), facts.get("schema")
    recipe = {k: v for k, v in config.get("recipe", {}).items() if k != "name"}
    best = [m["epoch"] for m in run.metrics() if m.get("is_best")]
    source = config.get("data", {}).get("data", "not stated")
    is_open = facts["state"] in ("training", "stopped")
    about = {
        "state": facts["state"] + (f", epoch {facts['epochs']}" if is_open else ""),
        "recipe": recipe_of(run) + "".join(f"  {k} {v}" for k, v in recipe.items()),
        "data": source + ("" if schema is None else f"  {schema['kind']} {tuple(schema['shape'])}"),
        "training": f"{facts['epochs']} of {training.get('epochs')} epochs  batch {training.get('batch_size')}  "
        f"{training.get('optimizer')} {training.get('learning_rate'):g}  seed {config['run']['seed']}"
        if training
        else None,
        "best epoch": best[-1] if best else None,
    }
    made: list[Any] = [pairs(str(run.path), about)]
    figures = ("elbo", "nll", "rate", "distortion", "mse", "bits_per_dim", "psnr", "active_units", "n")
    if results:
        title = f"Figures, {results.get('part')} part, {results.get('unit')}"
        made.append(pairs(title, {name: estimate(results, name) for name in figures}))
        made += [results["note"]] if results.get("note") else []
        made += [f"Watch: {warning}" for warning in results.get("warnings", [])]
    elif is_open:
        made.append(f"Continue with: vaekit train --resume {run.path}")
    if facts["plots"]:
        made.append(f"Pictures in {run.path / 'plots'}: {', '.join(Path(path).stem for path in facts['plots'])}")
    return made
