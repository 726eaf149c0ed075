"""vaekit train: train a model, continue a training, or repeat one from its config."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Group, Parameter

from vaekit.cli.answer import Answer, estimate, pairs
from vaekit.cli.common import EVERY_VERB
from vaekit.cli.signature import fields, proposed_settings, recipe_options, value_of, with_options
from vaekit.cli.signature import seed as to_seed
from vaekit.errors import UserError
from vaekit.options import DataOptions, fields_of
from vaekit.recipes import NAMES, find_recipe
from vaekit.run import Run, read_toml
from vaekit.training.settings import Settings

EXAMPLE = "vaekit train digits --recipe vae --epochs 30 --latent 10"
SETTINGS, DATA = Group("Training", sort_key=3), Group("Data", sort_key=4)
SHOWN = ("elbo", "nll", "rate", "distortion", "mse", "bits_per_dim", "active_units")

Flag = Parameter(negative=(), show_default=False)


def command(tokens: Sequence[str]) -> Callable[..., Any]:
    """`train` with the options of the recipe that the tokens name, or of all recipes."""
    name = value_of(tokens, "--recipe")
    config = value_of(tokens, "--config")
    if name is None and config is not None:
        name = read_toml(Path(config)).get("recipe", {}).get("name")
    if name is not None:
        recipes = {name: find_recipe(name)}
        own = recipe_options(recipes, Group(f"Recipe {name}", sort_key=2))
        settings = fields(Settings, SETTINGS, defaults=proposed_settings(recipes[name]))
    else:
        own = recipe_options({n: find_recipe(n) for n in NAMES}, Group("Recipes: --recipe NAME --help", sort_key=2))
        settings = fields(Settings, SETTINGS, defaults=dict.fromkeys(fields_of(Settings), ""))
    return with_options(train, [*fields(DataOptions, DATA), *settings, *own])


def train(
    data: str | None = None,
    /,
    *,
    recipe: str | None = None,
    out: str | None = None,
    resume: str | None = None,
    config: str | None = None,
    quiet: Annotated[bool, Flag] = False,
    json: Annotated[
        bool, Parameter(negative=(), show_default=False, group=EVERY_VERB, help="print one JSON object, nothing else.")
    ] = False,
    seed: Annotated[
        int | None,
        Parameter(
            converter=to_seed,
            group=EVERY_VERB,
            help="fixes the split, the weights, the order and the noise. [default: 0]",
        ),
    ] = None,
    device: Annotated[str, Parameter(group=EVERY_VERB, help="auto, cpu, cuda or mps.")] = "auto",
    **options: Any,
) -> Answer:
    """Train a model; everything about it goes into a run folder. Ctrl-C saves, --resume continues.

    Args:
        data: a name (digits, adult, ...), a folder of images or sounds, a .csv or .parquet, or a .npy, .npz or IDX
            file.
        recipe: the kind of model; `vaekit info` lists them. [default: conv for images, speech or audio for sound,
            table for tables, else vae]
        out: the run folder, which must be new. [default: the next free runs/NAME-N]
        resume: continue the run in this folder, exactly where it stopped.
        config: train what this config.toml states; options on the command line override it.
        quiet: no progress on standard error.
    """
    from vaekit import api

    if resume is not None:
        surplus = {"recipe": recipe, "out": out, "config": config, "seed": seed, **options}
        given = next((name for name, value in surplus.items() if value is not None), None)
        if data is not None or given is not None:
            what = "DATA" if given is None else f"--{given.replace('_', '-')}"
            raise UserError(f"--resume continues a run as it was begun; leave {what} out, or begin a new run with "
                            f"--config {resume}/config.toml.")
        from vaekit.cli.inputs import open_run

        run = api.resume(open_run(resume).path, device=device, quiet=quiet)
    elif config is not None:
        merged = override(read_toml(Path(config)), data, recipe, seed, options)
        run = api.train_config(merged, out=out, device=device, quiet=quiet)
    elif data is None:
        raise UserError("DATA is missing: a name, a folder or a file, for example `vaekit train digits`.")
    else:
        run = api.train(data, recipe=recipe, out=out, seed=seed or 0, device=device, quiet=quiet, **options)
    return answer(run)


def override(
    config: dict[str, Any], data: str | None, recipe: str | None, seed: int | None, options: dict[str, Any]
) -> dict[str, Any]:
    """A config with what the command line says put over it."""
    merged = {table: dict(values) if isinstance(values, dict) else values for table, values in config.items()}
    if data is not None:
        merged["data"] = {"data": data} | {
            k: v for k, v in merged.get("data", {}).items() if k not in ("data", "shape", "sha256")
        }
    if recipe is not None and recipe != merged.get("recipe", {}).get("name"):
        merged["recipe"] = {"name": recipe}
        merged = {table: values for table, values in merged.items() if table not in ("model", "objective")}
    if seed is not None:
        merged["run"] = {"seed": seed}
    for name, value in options.items():
        table = "data" if name in fields_of(DataOptions) else "training" if name in fields_of(Settings) else "recipe"
        if table == "recipe" and "model" in merged:
            raise UserError(f"The config states its model part by part, so --{name} has nothing to change there.")
        merged.setdefault(table, {})[name] = "none" if value is None else value
    return merged


def answer(run: Run) -> Answer:
    """What a finished training tells."""
    results = run.results
    facts = {
        "run": str(run.path), "epochs": len(run.metrics()), "results": results, "plots": str(run.path / "plots"),
    }  # fmt: skip

    def view() -> Any:
        figures = {name: estimate(results, name) for name in SHOWN}
        title = f"{run.path}, {results.get('part', 'test')} part, {results.get('unit', 'nats per example')}"
        return [pairs(title, figures), f"Next: vaekit show {run.path}"]

    return Answer(facts, view)
