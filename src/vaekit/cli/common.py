"""What every verb takes: --json, --seed, --device."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

from cyclopts import Group, Parameter

from vaekit.cli.signature import seed as to_seed

EVERY_VERB = Group("Every verb", sort_key=100)


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """The options of every verb."""

    json: Annotated[
        bool, Parameter(negative=(), group=EVERY_VERB, show_default=False, help="print one JSON object, nothing else.")
    ] = False
    seed: Annotated[
        int, Parameter(converter=to_seed, group=EVERY_VERB, help="fixes everything that is drawn at random.")
    ] = 0
    device: Annotated[str, Parameter(group=EVERY_VERB, help="auto, cpu, cuda or mps.")] = "auto"


Force = Annotated[bool, Parameter(negative=(), show_default=False, help="replace the output where it exists.")]


def shared_out(verb: Callable[..., Any]) -> Callable[..., Any]:
    """A verb whose work the processes of torchrun share: what goes wrong with one of them is everybody's error."""

    @functools.wraps(verb)
    def call(*args: Any, **kwargs: Any) -> Any:
        from vaekit.training.distributed import relaying

        with relaying():
            return verb(*args, **kwargs)

    return call
