"""Flow networks: the invertible maps of zuko, by the names that papers give them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.distributions import Distribution

from vaekit.errors import UserError, did_you_mean

FLOWS = ("realnvp", "spline", "maf")


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
        return flows.RealNVP(features, **sizes).transform
    if kind == "spline":
        return flows.NSF(features, passes=2, **sizes).transform
    return flows.MAF(features, **sizes).transform
