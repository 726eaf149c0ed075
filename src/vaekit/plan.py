"""Plan: what a training needs, worked out from a call or from a run's config before anything is written."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

import vaekit
from vaekit.component import from_config, to_config
from vaekit.errors import UserError
from vaekit.model import Model
from vaekit.objectives import ELBO, Objective, Reconstruction
from vaekit.options import check_config, sort_options
from vaekit.recipes import find_recipe
from vaekit.training.checks import require_fitting
from vaekit.training.distributed import first
from vaekit.training.report import Report
from vaekit.training.settings import Settings
from vaekit.weights import import_parts

if TYPE_CHECKING:
    from vaekit.data import Dataset
    from vaekit.schema import Schema

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
    is_batch_auto: bool = False
    keeps_rate: bool = False
    """Whether the user chose the learning rate."""


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
        sorted_options = sort_options(options, None)
        settings = Settings().adapted(len(dataset.train), sorted_options.settings)
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
        "training": stated_settings(settings),
        "run": {"seed": seed},
    }
    keeps_rate = "learning_rate" in sorted_options.settings
    return Plan(
        dataset, model, objective, settings, plain(config), prior, sorted_options.is_batch_auto, keeps_rate
    )


def stated_settings(settings: Settings) -> dict[str, Any]:
    """Settings as a config has them."""
    return {k: "none" if v is None else v for k, v in dataclasses.asdict(settings).items()}


def settle_batch(plan: Plan, device: torch.device, report: Report) -> None:
    """Measure the batch size where that is asked for; from then on the plan and its config have a number."""
    if not plan.is_batch_auto:
        return
    from vaekit.training.batch_size import with_fastest_batch

    def found() -> str:
        settings, said = with_fastest_batch(
            plan.settings, plan.model, plan.objective, plan.data.train, device, keep_rate=plan.keeps_rate
        )
        return f"{settings.batch_size} {settings.learning_rate} {said}"

    size, rate, said = first(found).split(" ", 2)
    report.say(said)
    plan.settings = dataclasses.replace(plan.settings, batch_size=int(size), learning_rate=float(rate))
    plan.config["training"] = plain(stated_settings(plan.settings))


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


def plain(value: Any) -> Any:
    """A config as TOML will give it back: no None, no tuples."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value
