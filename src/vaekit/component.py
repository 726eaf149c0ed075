"""Component: a part that remembers how it was made, so that a model saves as plain JSON beside its weights."""

from __future__ import annotations

import functools
import inspect
from typing import Any

from torch import nn

from vaekit.errors import UserError, did_you_mean

__all__ = ["Component", "from_config", "to_config"]

registry: dict[str, type[Component]] = {}
"""Every component class by its name; a config can name nothing else."""


class Component(nn.Module):
    """Base of everything a model is made of: networks, posteriors, priors, likelihoods, objectives, models.

    A subclass writes an ordinary constructor. Its arguments are recorded as they come, so `to_config` can state them
    and `from_config` can repeat the call. Arguments are numbers, strings, None, lists, tuples, dicts and components.
    """

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.__module__.startswith("torch."):
            return  # a tracer's stand-in for a part of the same name
        known = registry.get(cls.__name__)
        if (
            known is not None
            and known.__module__.startswith("vaekit.")
            and known.__module__ != cls.__module__
        ):
            raise UserError(
                f'"{cls.__name__}" is the name of one of vaekit\'s own parts; give yours another.'
            )
        registry[cls.__name__] = cls
        if "__init__" in cls.__dict__:
            cls.__init__ = _recording(cls.__init__)  # type: ignore[method-assign]

    def __repr__(self) -> str:
        arguments = ", ".join(f"{k}={v!r}" for k, v in self.arguments.items())
        return f"{type(self).__name__}({arguments})"

    @property
    def arguments(self) -> dict[str, Any]:
        """The constructor's arguments, defaults included."""
        return self.__dict__.get("_arguments", {})


def _recording(init: Any) -> Any:
    signature = inspect.signature(init)

    @functools.wraps(init)
    def __init__(self: Component, *args: Any, **kwargs: Any) -> None:  # noqa: N807
        if "_arguments" not in self.__dict__:  # the outermost constructor is the one that was called
            try:
                bound = signature.bind(self, *args, **kwargs)
            except TypeError as error:
                unknown = [k for k in kwargs if k not in signature.parameters]
                if unknown:
                    hint = did_you_mean(unknown[0], list(signature.parameters)[1:])
                    raise UserError(f'{type(self).__name__} has no argument "{unknown[0]}". {hint}') from None
                raise UserError(f"{type(self).__name__}: {error}.") from None
            bound.apply_defaults()
            self.__dict__["_arguments"] = dict(list(bound.arguments.items())[1:])
        init(self, *args, **kwargs)

    return __init__


def to_config(component: Component) -> dict[str, Any]:
    """State a component as JSON: `{"type": name, "args": {...}}`, a part that occurs twice as `{"same": path}`.

    Example:
        >>> from vaekit.nets import MLP
        >>> to_config(MLP(4, 8))["type"]
        'MLP'
    """
    seen: dict[int, str] = {}

    def state(value: Any, path: str) -> Any:
        if isinstance(value, Component):
            if id(value) in seen:
                return {"same": seen[id(value)]}
            seen[id(value)] = path
            args = {k: state(v, f"{path}.{k}" if path else k) for k, v in value.arguments.items()}
            return {"type": type(value).__name__, "args": args}
        if isinstance(value, list | tuple):
            return [state(v, f"{path}.{i}") for i, v in enumerate(value)]
        if isinstance(value, dict):
            return {k: state(v, f"{path}.{k}") for k, v in value.items()}
        if value is None or isinstance(value, bool | int | float | str):
            return value
        raise UserError(
            f"{path} is a {type(value).__name__}, which cannot be written to config.json; "
            "a part's arguments are numbers, strings, lists, None and other vaekit parts."
        )

    return state(component, "")


def from_config(config: dict[str, Any]) -> Component:
    """Build the component that `to_config` stated. Runs constructors from vaekit's registry and nothing else.

    Raises:
        UserError: an unknown part, an unknown argument, or a malformed config.
    """
    built: dict[str, Component] = {}

    def build(value: Any, path: str) -> Any:
        if isinstance(value, list):
            return [build(v, f"{path}.{i}") for i, v in enumerate(value)]
        if not isinstance(value, dict):
            return value
        if set(value) == {"same"}:
            if value["same"] not in built:
                raise UserError(f"config: {path} refers to {value['same']!r}, which does not come before it.")
            return built[value["same"]]
        if "type" not in value:
            return {k: build(v, f"{path}.{k}") for k, v in value.items()}
        name, args = value["type"], value.get("args", {})
        if not isinstance(name, str) or name not in registry or not isinstance(args, dict):
            raise UserError(
                f"config: {path or 'the model'} names an unknown part {name!r}. "
                f"{did_you_mean(str(name), registry)}"
            )
        args = {k: build(v, f"{path}.{k}" if path else k) for k, v in args.items()}
        try:
            built[path] = registry[name](**args)
        except UserError:
            raise
        except (TypeError, RuntimeError, ValueError, LookupError) as error:
            raise UserError(f"config: {name} at {path or 'the top'} cannot be built: {error}.") from None
        return built[path]

    if not isinstance(config, dict) or "type" not in config:
        raise UserError('config: expected {"type": ..., "args": {...}}.')
    return build(config, "")
