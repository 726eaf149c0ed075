"""Flow networks: the invertible maps of zuko, by the names that papers give them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.distributions import Distribution

from vaekit.errors import UserError, did_you_mean

FLOWS = ("realnvp", "spline", "maf")
START = 0.01
"""Factor on the last layers' weights: a flow starts near the identity, and yet every weight has a gradient."""


@contextmanager
def _validation_kept() -> Iterator[None]:
    """Importing zuko turns off the checks of all of torch.distributions; they are not ours to turn off."""
    kept = {name: Distribution.__dict__[name] for name in ("_validate_args", "arg_constraints")}
    try:
        yield
    finally:
        for name, value in kept.items():
            setattr(Distribution, name, value)


def flow_network(
    kind: str, features: int, *, context: int, num_transforms: int, hidden: tuple[int, ...], owner: str
) -> nn.Module:
    """A network that maps a context (..., context) to an invertible map of vectors z, normalizing them.

    "realnvp": affine couplings (Dinh et al., 2017); "spline": rational-quadratic spline couplings on [-5, 5] (Durkan
    et al., 2019), both quick either way; "maf": masked autoregressive, quick from z, D passes to z (Papamakarios et
    al., 2017).

    Raises:
        UserError: an unknown kind, or too few features or transforms.
    """
    if kind not in FLOWS:
        raise UserError(f'{owner} has no flow "{kind}". {did_you_mean(kind, FLOWS)}')
    if num_transforms < 1:
        raise UserError(f"{owner} takes num_transforms of at least 1; {num_transforms} came.")
    if features < 2 and kind != "maf":
        raise UserError(f'{owner} couples halves of z and needs 2 dimensions; use flow="maf" for one.')
    with _validation_kept():
        from zuko import flows  # slow to import, and few models need it
    sizes = {"context": context, "transforms": num_transforms, "hidden_features": hidden}
    if kind == "realnvp":
        network = flows.RealNVP(features, **sizes).transform
    elif kind == "spline":
        network = flows.NSF(features, passes=2, **sizes).transform
    else:
        network = flows.MAF(features, **sizes).transform
    with torch.no_grad():
        for last in last_layers(network):
            last.weight.mul_(START)
            last.bias.zero_()
    return network


def last_layers(network: nn.Module) -> list[Any]:
    """The layers that put out the parameters of each transform; a single dimension without a context has none."""
    hypers: list[Any] = [part.hyper for part in network.modules() if hasattr(part, "hyper")]
    return [[m for m in hyper.modules() if hasattr(m, "weight")][-1] for hyper in hypers]
