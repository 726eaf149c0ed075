"""train() and load(): the two verbs of the Python interface."""

from __future__ import annotations

import dataclasses
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

import vaekit
from vaekit.component import from_config, to_config
from vaekit.errors import UserError, require_seed
from vaekit.files import remove_stale, write_json
from vaekit.model import Model
from vaekit.objectives import ELBO, Objective, Reconstruction
from vaekit.options import check_config, sort_options
from vaekit.ranks import rank, world
from vaekit.recipes import find_recipe
from vaekit.run import Run
from vaekit.training.checks import require_fitting
from vaekit.training.distributed import first, in_turn, join, relaying
from vaekit.training.environment import environment
from vaekit.training.interrupt import Interrupted, Interruptible
from vaekit.training.loop import Training, fit
from vaekit.training.report import Report
from vaekit.training.settings import Settings
from vaekit.weights import import_parts, load_model, save_config, save_model

if TYPE_CHECKING:
    import numpy as np

    from vaekit.data import Dataset
    from vaekit.schema import Schema

__all__ = ["load", "resume", "train", "train_config"]

DEFAULT_RECIPES = {"image": "conv", "audio": "speech", "table": "table"}
"""The recipe of a kind of data when none is named; `vae` for every other kind."""


@dataclass
class Plan:
    """What a training needs, from a call or from a run's config."""

    data: Dataset
    model: Model
    objective: Objective
    settings: Settings
    config: dict[str, Any]
    prior: dict[str, Any] | None = None


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
        run = create_run(out, plan)
        return _carry_out(run, plan, seed, chosen, Report(quiet=quiet or rank() > 0))


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
        run = create_run(out, plan)
        return _carry_out(run, plan, plan.config["run"]["seed"], chosen, Report(quiet=quiet or rank() > 0))


def load(run: str | Path | Run, *, device: str = "auto") -> Model:
    """The trained model of a run, in evaluation mode. Nothing in the folder is executed.

    Raises:
        UserError: not a run, or damaged.
    """
    return load_model(run.path if isinstance(run, Run) else run, choose_device(device))


def make_plan(
    data: Any, recipe: str | Model | None, objective: Objective | None, options: dict[str, Any], seed: int
) -> Plan:
    """Resolve a call: open the data, compose the model, settle the settings."""
    from vaekit.data import Dataset, open_data

    if recipe is not None and not isinstance(recipe, str | Model):
        raise UserError(f"recipe takes a recipe's name or a composed model; a {type(recipe).__name__} came.")
    by_hand, prior = isinstance(recipe, Model), None
    name = recipe if isinstance(recipe, str) else None
    # Options are judged before anything slow happens; the default recipe depends on the data's kind.
    sorted_options = (
        None if name is None and not by_hand else sort_options(options, find_recipe(name) if name else None)
    )
    data_names = {field.name for field in dataclasses.fields(vaekit.DataOptions)}
    data_options = (
        {k: v for k, v in options.items() if k in data_names}
        if sorted_options is None
        else sorted_options.data
    )
    dataset = data if isinstance(data, Dataset) else open_data(data, seed=seed, **data_options)
    torch.manual_seed(seed)
    torch.set_flush_denormal(True)  # tiny weights of dead units otherwise slow a CPU down as training goes on

    if isinstance(recipe, Model):
        model = recipe
        objective = objective or (ELBO() if model.is_density else Reconstruction())
        settings = Settings().adapted(len(dataset.train), sort_options(options, None).settings)
        stated: dict[str, Any] = {"model": to_config(model), "objective": to_config(objective)}
    else:
        name = name or default_recipe(dataset.schema)
        function = find_recipe(name)
        sorted_options = sort_options(options, function)
        proposed = function(dataset.schema, **sorted_options.recipe)
        settings = proposed.settings_for(len(dataset.train), **sorted_options.settings)
        stated = {"recipe": {"name": name, **sorted_options.recipe}}
        if objective is not None:
            stated["objective"] = to_config(objective)
        model, objective, prior = proposed.model, objective or proposed.objective, proposed.prior
    require_fitting(model, objective, dataset, settings)
    model.schema = dataset.schema
    config = {
        "data": dataset.source,
        **stated,
        # "none" is written out: a missing key would mean the recipe's own value when the config is read again.
        "training": {k: "none" if v is None else v for k, v in dataclasses.asdict(settings).items()},
        "run": {"seed": seed},
    }
    return Plan(dataset, model, objective, settings, plain(config), prior)


def default_recipe(schema: Schema) -> str:
    """The recipe of data where none is named: a code for each clip of sound, a sequence of them for long recordings."""
    if schema.kind == "audio" and schema.clips == "segments":
        return "audio"
    return DEFAULT_RECIPES.get(schema.kind, "vae")


def plan_from_config(config: dict[str, Any], data: Any = None) -> Plan:
    """The plan that a config.toml states.

    Raises:
        UserError: an unknown table or key.
    """
    from vaekit.data import open_data

    check_config(config)
    source = dict(config["data"])
    run = config.get("run", {})
    seed = run.get("seed", source.pop("seed", 0))
    source.pop("seed", None)
    recorded = source.pop("data")
    # Of an array from Python, and of a table too large to be read whole.
    record = {key: source.pop(key) for key in ("shape", "sha256", "max_cells") if key in source}
    dataset = open_data(
        recorded if data is None else data, seed=seed, **sort_options(source, None).data, **record
    )
    options = config.get("training", {})
    if "model" in config:
        import_parts()
        torch.manual_seed(seed)
        model = from_config(config["model"])
        if not isinstance(model, Model):
            raise UserError("config: [model] must describe a vaekit model.")
        return make_plan(dataset, model, objective_from(config), options, seed)
    recipe = dict(config.get("recipe", {}))
    name = recipe.pop("name", None)
    return make_plan(dataset, name, objective_from(config), {**options, **recipe}, seed)


def objective_from(config: dict[str, Any]) -> Objective | None:
    """The objective that a config states; None where it leaves it to the recipe."""
    if "objective" not in config:
        return None
    import_parts()
    objective = from_config(config["objective"])
    if not isinstance(objective, Objective):
        raise UserError("config: [objective] must describe a vaekit objective.")
    return objective


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
            # Now, since sharding gives parts other names.
            first(lambda: state_model(run, plan.model))
            training = Training(
                run, plan.model, plan.objective, plan.data, plan.settings, seed=seed, device=device
            )
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
                    f"{device.type}{f', {world()} processes' if world() > 1 else ''}."
                )
                first(lambda: write_json(run.path / "env.json", environment(device)))
                training.save()
            fit(training, report, interrupt)
            if rank() > 0:
                return run
            if plan.prior is not None:
                replace_prior(run, plan, seed, device, report)
            finish(run, plan.data, device, report)
        except Interrupted:
            report.say(f"Interrupted; everything is saved. Continue with: vaekit train --resume {run.path}")
            raise
    return run


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


def plain(value: Any) -> Any:
    """A config as TOML will give it back: no None, no tuples."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value
