"""train() and load(): the two verbs of the Python interface."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from vaekit.errors import UserError, require_seed
from vaekit.files import remove_stale, write_json
from vaekit.memory import give_back
from vaekit.model import Model
from vaekit.objectives import Objective
from vaekit.plan import Plan, make_plan, plan_from_config, settle_batch
from vaekit.ranks import rank, world
from vaekit.run import Run
from vaekit.training.distributed import first, in_turn, join, relaying
from vaekit.training.environment import environment
from vaekit.training.interrupt import Interrupted, Interruptible
from vaekit.training.loop import Training, fit
from vaekit.training.report import Report
from vaekit.weights import load_model, save_config, save_model

if TYPE_CHECKING:
    import numpy as np

    from vaekit.data import Dataset

__all__ = ["load", "resume", "train", "train_config"]


SHOWN = 5000
"""Examples of the training part that its pictures are drawn from."""


def train(
    data: str | Path | np.ndarray | torch.Tensor | tuple[Any, ...] | Dataset,
    *,
    recipe: str | Model | None = None,
    objective: Objective | None = None,
    out: str | Path | None = None,
    seed: int = 0,
    device: str = "auto",
    quiet: bool = False,
    **options: Any,
) -> Run:
    """Train a model on data and write everything about it into a run folder.

    Args:
        data: a name ("digits", "mnist"), a file or folder, an array, a pair (x, y), or an open Dataset.
        recipe: a recipe's name, by default the one for the data's kind; or a model composed by hand.
        objective: in place of the recipe's own; of a model composed by hand ELBO by default, or Reconstruction for a
            deterministic posterior.
        out: the run folder; by default the next free `runs/NAME-N`.
        seed: fixes the split, the initial weights, the order and the noise.
        device: "auto", "cpu", "cuda", "mps".
        quiet: print nothing.
        **options: fields of `Settings` (epochs, batch_size, ...), of `DataOptions` (valid, binarize, ...), and the
            recipe's own parameters (latent, hidden, ...). Unknown names are errors.

    Returns:
        The finished run.

    Raises:
        UserError: anything about the call, the data or the disk, in one sentence.
    """
    seed = require_seed(seed)
    chosen = join(choose_device(device))
    with relaying():
        plan = in_turn(lambda: make_plan(data, recipe, objective, options, seed))
        report = Report(quiet=quiet or rank() > 0)
        settle_batch(plan, chosen, report)
        run = create_run(out, plan)
        return _carry_out(run, plan, seed, chosen, report)


def resume(path: str | Path, *, data: Any = None, device: str = "auto", quiet: bool = False) -> Run:
    """Continue an interrupted training; it ends as if it had not been interrupted.

    Args:
        path: the run folder.
        data: the data itself, for a run that was trained on arrays from Python.
        device: as in `train`.
        quiet: print nothing.

    Raises:
        UserError: no run there, or its config contradicts its checkpoint.
    """
    run = Run.open(path)
    config = run.config
    if "run" not in config:
        raise UserError(f"{run.path} holds a model and no training to continue.")
    seed, chosen = config["run"]["seed"], join(choose_device(device))
    with relaying():
        plan = in_turn(lambda: plan_from_config(config, data))
        plan.config = config
        return _carry_out(run, plan, seed, chosen, Report(quiet=quiet or rank() > 0))


def train_config(
    config: dict[str, Any], *, out: str | Path | None = None, device: str = "auto", quiet: bool = False
) -> Run:
    """Train what a run's config states, anew.

    Args:
        config: the tables of a config.toml: data, recipe (or model and objective), training, run.
        out, device, quiet: as in `train`.

    Raises:
        UserError: an unknown table or key, or anything that `train` refuses.
    """
    chosen = join(choose_device(device))
    with relaying():
        plan = in_turn(lambda: plan_from_config(config))
        report = Report(quiet=quiet or rank() > 0)
        settle_batch(plan, chosen, report)
        run = create_run(out, plan)
        return _carry_out(run, plan, plan.config["run"]["seed"], chosen, report)


def load(run: str | Path | Run, *, device: str = "auto") -> Model:
    """The trained model of a run, in evaluation mode. Nothing in the folder is executed.

    Raises:
        UserError: not a run, or damaged.
    """
    return load_model(run.path if isinstance(run, Run) else run, choose_device(device))


def choose_device(device: str) -> torch.device:
    """The device asked for, or the best there is.

    Raises:
        UserError: an unknown name, or a device that this machine lacks.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise UserError(f'There is no device "{device}"; use auto, cpu, cuda or mps.') from None
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if not available.get(chosen.type, False):
        raise UserError(f'This machine has no "{device}" that torch can use; use --device cpu.')
    return chosen


def create_run(out: str | Path | None, plan: Plan) -> Run:
    """The run's folder; of several processes, the first one makes it."""
    return Run(first(lambda: Run.create(out, plan.data.schema.name, plan.config).path))


def _carry_out(run: Run, plan: Plan, seed: int, device: torch.device, report: Report) -> Run:
    """Train, then measure and draw; every part may be interrupted and is picked up by `resume`.

    Of several processes, the first one alone writes, and measures when the others are done."""
    with run.lock() if rank() == 0 else nullcontext(), Interruptible() as interrupt:
        try:
            _descend(run, plan, seed, device, report, interrupt)
            if rank() > 0:
                return run
            if plan.prior is not None:
                replace_prior(run, plan, seed, device, report)
            plan.data = plan.data.spared(SHOWN)
            give_back()
            finish(run, plan.data, device, report)
        except Interrupted:
            report.say(f"Interrupted; everything is saved. Continue with: vaekit train --resume {run.path}")
            raise
    return run


def _descend(
    run: Run, plan: Plan, seed: int, device: torch.device, report: Report, interrupt: Interruptible
) -> None:
    """Train from the start, or from where a killed process left it, to the last epoch."""
    first(lambda: state_model(run, plan.model))  # now, since sharding gives parts other names
    training = Training(run, plan.model, plan.objective, plan.data, plan.settings, seed=seed, device=device)
    if not training.is_fresh:
        if rank() == 0 and (stale := remove_stale(run.path)):
            report.say(f"Half-written files of a killed process were removed: {stale}.")
        training.restore()
        is_over = training.progress.is_done and run.is_finished
        report.resumed(run.path, training.progress.epoch, plan.settings.epochs, is_over)
    else:
        for note in plan.data.notes:
            report.say(note)
        report.say(
            f"{run.path}: {plan.model.num_parameters:,} weights, {len(plan.data.train):,} examples, "
            f"{device.type}{f', {world()} processes' if world() > 1 else ''}, {training.in_short}."
        )
        first(lambda: write_json(run.path / "env.json", environment(device, training.choices)))
        training.save()
    fit(training, report, interrupt)


def state_model(run: Run, model: Model) -> None:
    """Write what the model is, unless it was written; a prior that was fitted since stays."""
    if not (run.path / "config.json").exists():
        save_config(model, run.path)


def replace_prior(run: Run, plan: Plan, seed: int, device: torch.device, report: Report) -> None:
    """The prior that the recipe wants fitted to the codes, in the run's own model. The model as it was trained is put
    aside first, so that an interrupted fit begins again from it."""
    from vaekit.fitting import fit_prior

    assert plan.prior is not None
    aside = run.path / "checkpoints" / "before-prior"
    if not (aside / "model.safetensors").exists():
        save_model(load_model(run.path, device), aside)
    report.say(f"Fitting a prior to the codes ({plan.prior.get('kind', 'mixture')}) ...")
    save_model(fit_prior(load_model(aside, device), plan.data.train, seed=seed, **plan.prior), run.path)


def finish(run: Run, data: Dataset, device: torch.device, report: Report) -> None:
    """The figures, the pictures, the model card."""
    from vaekit.finish import finish_run  # matplotlib is slow to import; the training goes first

    finish_run(run, data, device, report)


