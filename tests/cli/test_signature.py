"""Options come from signatures: names, types, texts and defaults."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from cyclopts import Group

from vaekit.cli.app import VERBS, build
from vaekit.cli.signature import argument_help, fields, proposed_settings, recipe_options, value_of
from vaekit.options import DataOptions, fields_of, parameters_of
from vaekit.recipes import NAMES, find_recipe
from vaekit.training.settings import Settings


@pytest.mark.parametrize("options", [Settings, DataOptions])
def test_every_field_becomes_an_option_with_a_text(options: type) -> None:
    made = fields(options, Group("x"))
    assert [p.name for p in made] == list(fields_of(options))
    texts = argument_help(options.__doc__)
    assert sorted(texts) == sorted(fields_of(options)), "the Args section names the fields"


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_parameter_has_a_text(name: str) -> None:
    recipe = find_recipe(name)
    assert set(parameters_of(recipe)) <= set(argument_help(recipe.__doc__))


def test_the_union_names_the_recipes_of_a_parameter() -> None:
    made = {p.name: p for p in recipe_options({n: find_recipe(n) for n in ("ae", "vae", "conv")}, Group("x"))}
    text = made["hidden"].annotation.__metadata__[0].help
    assert "Of ae, vae." in text
    assert "conv" not in text


@pytest.mark.parametrize("name", ["ae", "vae", "hvae", "conv", "vqvae"])
def test_proposed_settings_are_those_of_the_recipe(name: str) -> None:
    """Read from the source for --help, they agree with what the recipe really returns."""
    from vaekit.schema import Schema

    proposed = find_recipe(name)(Schema("image", (1, 8, 8), 0.0, 1.0, levels=17)).settings
    assert proposed_settings(find_recipe(name)) == dataclasses.asdict(proposed)


def test_a_value_is_found_in_raw_tokens() -> None:
    assert value_of(["train", "x", "--recipe", "ae"], "--recipe") == "ae"
    assert value_of(["train", "--recipe=ae"], "--recipe") == "ae"
    assert value_of(["train", "--recipe"], "--recipe") is None


@pytest.mark.parametrize("verb", VERBS)
def test_help_of_a_verb(verb: str, vaekit: Callable[..., Any]) -> None:
    done = vaekit(verb, "--help")
    assert done.code == 0
    assert f"Example: vaekit {verb}" in done.out
    for option in ("--json", "--seed", "--device"):
        assert option in done.out
    assert not {line for line in done.out.splitlines() if line.startswith("Args")}


def test_help_lists_every_verb(vaekit: Callable[..., Any]) -> None:
    out = vaekit("--help").out
    assert all(f" {verb} " in out for verb in VERBS)


def test_help_of_a_recipe_shows_its_own_options_and_defaults(vaekit: Callable[..., Any]) -> None:
    out = " ".join(vaekit("train", "--recipe", "vae", "--help").out.split())
    assert "Recipe vae" in out
    assert "width of the hidden layers. [default: 400]" in out
    assert "passes over the training part. [default: 20]" in out
    assert "--num-codes" not in out
    assert "--num-codes" in vaekit("train", "--help").out


def test_every_verb_takes_what_every_verb_takes() -> None:
    for verb in VERBS:
        names = {n for a in build([verb])[verb].assemble_argument_collection() for n in a.names}
        assert {"--json", "--seed", "--device"} <= names, verb
