"""Options from signatures: fields of Settings and DataOptions and a recipe's parameters as command-line options."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import textwrap
import typing
from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter

from vaekit.errors import require_seed
from vaekit.options import fields_of, parameters_of
from vaekit.training.settings import Settings

Size = int | tuple[int, int] | None


def argument_help(docstring: str | None) -> dict[str, str]:
    """Names and texts of a docstring's Args section.

    Example:
        >>> argument_help("Train.\\n\\nArgs:\\n    a: the first\\n        one.\\n    b, c: others.\\n")
        {'a': 'the first one.', 'b': 'others.', 'c': 'others.'}
    """
    section = inspect.cleandoc(docstring or "").partition("Args:\n")[2]
    found: dict[str, str] = {}
    names: list[str] = []
    for line in textwrap.dedent(section).splitlines():
        started = re.match(r"(\w+(?:, \w+)*): (.*)", line)
        if started:
            names = started[1].split(", ")
            found |= dict.fromkeys(names, started[2])
        elif line.startswith(" ") and names:
            found |= {name: f"{found[name]} {line.strip()}" for name in names}
        elif line.strip():
            break
    return found


def fields(options: type, group: Group, *, defaults: dict[str, Any] | None = None) -> list[inspect.Parameter]:
    """An options dataclass as options; `defaults` are shown in place of its own, "" shows none."""
    texts, shown = argument_help(options.__doc__), {f.name: f.default for f in dataclasses.fields(options)}
    shown |= defaults or {}
    return [option(name, kind, texts.get(name, ""), shown[name], group) for name, kind in fields_of(options).items()]


def recipe_options(recipes: dict[str, Callable[..., Any]], group: Group) -> list[inspect.Parameter]:
    """The parameters of recipes; of several ones, each parameter once, with the recipes that have it."""
    found: dict[str, inspect.Parameter] = {}
    owners: dict[str, list[str]] = {}
    texts: dict[str, str] = {}
    for recipe, function in recipes.items():
        for name, parameter in parameters_of(function).items():
            found.setdefault(name, parameter)
            texts.setdefault(name, argument_help(function.__doc__).get(name, ""))
            owners.setdefault(name, []).append(recipe)
    single = len(recipes) == 1
    return [
        option(
            name, parameter.annotation, texts[name] if single else f"{texts[name]} Of {', '.join(owners[name])}.",
            parameter.default if single else "", group,
        )
        for name, parameter in found.items()
    ]  # fmt: skip


def option(name: str, annotation: Any, text: str, default: Any, group: Group) -> inspect.Parameter:
    """One option, absent unless given; its default is shown and left to whom it is meant for."""
    text = text.replace("None", "none")
    if default is not None and default != "" and default is not False:
        text += f" [default: {default}]"
    kind: Any = annotation | None
    converter: Any = None
    if annotation == Size:
        kind, converter = str | None, parse_size
    elif name == "batch_size":
        kind, converter = int | Literal["auto"] | None, whole
    elif int in (annotation, *typing.get_args(annotation)):
        converter = whole
    # A switch that is off has no opposite to list; --name=false undoes what a config says.
    negative: Any = () if default is False or default == "" else None
    parameter = Parameter(help=text, group=group, show_default=False, converter=converter, negative=negative)
    return inspect.Parameter(
        name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[kind, parameter]
    )


def whole(kind: Any, tokens: Sequence[Any]) -> int | str | None:
    """A whole number, or none or auto; cyclopts itself would round 1.5."""
    text = tokens[0].value
    if text == "auto" and Literal["auto"] in typing.get_args(kind):
        return text
    if text.lower() == "none" and type(None) in typing.get_args(kind):
        return None
    try:
        return int(text)
    except ValueError:
        raise ValueError(f'a whole number is expected; "{text}" came.') from None


def seed(kind: Any, tokens: Sequence[Any]) -> int:
    """A whole number that every generator takes as its seed."""
    return require_seed(whole(kind, tokens))


def parse_size(kind: Any, tokens: Sequence[Any]) -> int | tuple[int, int] | None:
    """64, or 48x64 for height and width."""
    text = tokens[0].value
    found = re.fullmatch(r"(\d+)(?:[x,](\d+))?", text)
    if not found:
        raise ValueError(f'64, or 48x64 for height and width, is expected; "{text}" came.')
    return int(found[1]) if found[2] is None else (int(found[1]), int(found[2]))


def with_options(function: Callable[..., Any], options: Iterable[inspect.Parameter]) -> Callable[..., Any]:
    """`function(..., **options)` with the options named in its signature, where cyclopts finds them."""
    hints = typing.get_type_hints(function, include_extras=True)
    own = [
        parameter.replace(annotation=hints.get(parameter.name, Any))
        for parameter in inspect.signature(function).parameters.values()
        if parameter.kind is not inspect.Parameter.VAR_KEYWORD
    ]
    taken = {parameter.name for parameter in own}
    parameters = [*own, *(p for p in unique(options) if p.name not in taken)]

    @wraps(function)
    def command(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    del command.__wrapped__
    return command


def unique(options: Iterable[inspect.Parameter]) -> list[inspect.Parameter]:
    """The first option of each name."""
    return list({option.name: option for option in reversed(list(options))}.values())[::-1]


def proposed_settings(recipe: Callable[..., Any]) -> dict[str, Any]:
    """The training settings that a recipe proposes, read from its source, since calling it needs data and torch."""
    settings = {field.name: field.default for field in dataclasses.fields(Settings)}
    for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(recipe)))):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("Settings"):
            for keyword in node.keywords:
                try:
                    settings[str(keyword.arg)] = ast.literal_eval(keyword.value)
                except ValueError:
                    settings[str(keyword.arg)] = "the recipe's"
    return settings


def value_of(tokens: Sequence[str], name: str) -> str | None:
    """What follows an option in raw tokens: needed before the rest can be understood."""
    for i, token in enumerate(tokens):
        if token == name and i + 1 < len(tokens):
            return tokens[i + 1]
        if token.startswith(f"{name}="):
            return token.partition("=")[2]
    return None
