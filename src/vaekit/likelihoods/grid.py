"""The check that integer data lies on the grid a discrete likelihood was built for."""

from __future__ import annotations

from vaekit.errors import UserError
from vaekit.schema import Schema


def check_levels(levels: int) -> int:
    """A number of levels that makes a grid.

    Raises:
        UserError: fewer than 2.
    """
    if levels < 2:
        raise UserError(f"levels must be at least 2, the number of values that x can take; {levels} came.")
    return levels


def check_grid(owner: str, levels: int, schema: Schema) -> None:
    """Refuse data that does not lie on the grid k / (levels - 1) in [0, 1].

    Raises:
        UserError: continuous data, another range, or another number of levels.
    """
    if schema.levels is None:
        raise UserError(
            f"{owner} gives probability to integer levels, and {schema.name} is continuous: use Gaussian, or "
            "ContinuousBernoulli for values in [0, 1]."
        )
    if not is_on_grid(schema.levels, schema):
        raise UserError(
            f"{owner} takes integer levels scaled to [0, 1]; {schema.name} has values in "
            f"[{schema.low:g}, {schema.high:g}]. Give the schema offset = smallest level and scale = levels - 1."
        )
    if schema.levels != levels:
        raise UserError(
            f"{owner} was built for {levels} levels; {schema.name} has {schema.levels}: pass levels={schema.levels}."
        )


def is_on_grid(levels: int, schema: Schema) -> bool:
    """Whether x takes the values k / (levels - 1) and no others."""
    return schema.levels == levels and schema.low == 0.0 and schema.high == 1.0
