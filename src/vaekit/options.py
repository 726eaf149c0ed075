"""Options: the keywords of a training, checked against the signatures that they are meant for. Imports no torch."""

from __future__ import annotations

import dataclasses
import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from vaekit.errors import UserError, did_you_mean
from vaekit.training.settings import Settings


@dataclass(frozen=True)
class DataOptions:
    """How the data is read; the keywords of `open_data`.

    Args:
        valid: validation part, a share or a count; by default a tenth, at most 1000, unless the source has one.
        test: test part, a share or a count; by default a fifth, unless the source has one.
        binarize: "dynamic" draws each value anew at every step, "static" once.
        size: images are resized to this, one number or height and width.
        labels: a file with one label a line, or a .npy, for data that has none of its own.
        stream: "always" leaves examples in their files and reads them as they are needed, "never" reads all at once; by
            default the memory decides.
        skip_bad: leave unreadable files out and count them, instead of stopping.
        limit: use at most this many examples of each part, drawn by the seed.
        types: kinds of a table's columns in place of the inferred ones, "age=integer,size=ordinal(S<M<L),note=skip".
        rate: sounds are resampled to this many samples a second; by default the most common rate, at most 16000.
        length: seconds of one example of sound; by default what holds 99 % of short recordings, else segments of 2.
        clips: recordings "whole", their beginning padded with silence, or cut into "segments".
        loudness: decibels of full scale that every sound is brought to; by default as recorded.
        pattern: of sound file names, "{digit}_{speaker}_{take}": the first field is the label.
        labelled: keep the labels of this many training examples of each class and hide the others, for semi-supervised
            models.
    """

    valid: float | None = None
    test: float | None = None
    binarize: Literal["none", "dynamic", "static"] = "none"
    size: int | tuple[int, int] | None = None
    labels: str | None = None
    skip_bad: bool = False
    stream: Literal["auto", "always", "never"] = "auto"
    limit: int | None = None
    labelled: int | None = None
    types: str | None = None
    rate: int | None = None
    length: float | None = None
    clips: Literal["whole", "segments"] | None = None
    loudness: float | None = None
    pattern: str | None = None


def parameters_of(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The keyword options of a recipe, their annotations resolved."""
    hints = typing.get_type_hints(function)
    return {
        name: parameter.replace(annotation=hints.get(name, Any))
        for name, parameter in inspect.signature(function).parameters.items()
        if parameter.kind is inspect.Parameter.KEYWORD_ONLY
    }


def fields_of(options: type) -> dict[str, Any]:
    """Field names of an options dataclass and their types."""
    hints = typing.get_type_hints(options)
    return {field.name: hints[field.name] for field in dataclasses.fields(options)}


def checked(name: str, value: Any, annotation: Any) -> Any:
    """`value` as its annotation wants it.

    Raises:
        UserError: it is of another type.

    Example:
        >>> checked("latent", "20", int)
        20
    """
    import pydantic

    if value == "none" and type(None) in typing.get_args(annotation):
        return None  # TOML has no null
    try:
        return pydantic.TypeAdapter(annotation).validate_python(value)
    except pydantic.ValidationError as error:
        reason = error.errors()[0]["msg"]
        raise UserError(f"{name}={value!r} does not fit: {reason[0].lower()}{reason[1:]}.") from None


@dataclass
class Options:
    """The keywords of a training, by what they are meant for."""

    data: dict[str, Any]
    settings: dict[str, Any]
    recipe: dict[str, Any]
    is_batch_auto: bool = False


def check_config(config: dict[str, Any]) -> None:
    """Refuse a config.toml with a table or key that nothing reads; the recipe's own keys are checked with the recipe.

    Raises:
        UserError: with a suggestion.
    """
    recorded = {"data", "seed", "shape", "sha256", "max_cells"}  # of the source itself, beside the options
    keys = {
        "data": {*fields_of(DataOptions), *recorded},
        "training": set(fields_of(Settings)),
        "run": {"seed"},
        "recipe": None,
        "model": None,
        "objective": None,
    }
    for table, content in config.items():
        if table not in keys:
            raise UserError(f'config: there is no table "{table}". {did_you_mean(table, keys)}')
        if not isinstance(content, dict):
            raise UserError(f"config: {table} must be a table, [{table}]; {content!r} came.")
        known = keys[table]
        for key in content:
            if known is not None and key not in known:
                raise UserError(f'config: [{table}] has no key "{key}". {did_you_mean(key, known)}')
    if "data" not in config.get("data", {}):
        raise UserError('config: a table [data] with data = "..." is needed.')
    if "model" in config and "objective" not in config:
        raise UserError("config: [model] needs an [objective] beside it.")


def sort_options(options: dict[str, Any], recipe: Callable[..., Any] | None) -> Options:
    """Give each keyword to the data, the settings or the recipe, checked against its type.

    Raises:
        UserError: an unknown keyword, with a suggestion, or a value of the wrong type.
    """
    data, settings = fields_of(DataOptions), fields_of(Settings)
    own = {name: p.annotation for name, p in parameters_of(recipe).items()} if recipe else {}
    result = Options({}, {}, {})
    for name, value in options.items():
        if name == "batch_size" and value == "auto":
            result.is_batch_auto = True
            continue
        for known, target in ((data, result.data), (settings, result.settings), (own, result.recipe)):
            if name in known:
                target[name] = checked(name, value, known[name]) if name != "labels" else value
                break
        else:
            of = f" of recipe {recipe.__name__}" if recipe else ""
            raise UserError(
                f'There is no option "{name}"{of}. {did_you_mean(name, {*data, *settings, *own})}'
            )
    return result
