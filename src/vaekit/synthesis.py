"""synthesize: new rows of a table, with conditions on columns."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from vaekit.data.dates import read_dates
from vaekit.data.frames import import_polars
from vaekit.data.table_text import to_raw
from vaekit.errors import UserError, did_you_mean
from vaekit.evaluation.chunks import evaluating

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.schema import Column, Schema

__all__ = ["synthesize"]

OPERATORS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "!=": operator.ne, ">=": operator.ge, "<=": operator.le, "=": operator.eq, ">": operator.gt, "<": operator.lt,
}  # fmt: skip
CHUNK = 5000
MAX_DRAWS, MANY = 5_000_000, 1000
"""So many draws are made in any case; then the search goes on only where at least one of a thousand is found good."""
Condition = Callable[[np.ndarray], np.ndarray]


def synthesize(
    model: Model, number: int, *, where: str | Sequence[str] = (), complete: bool = False, seed: int = 0
) -> np.ndarray:
    """New rows (number, C) in the table's own units, drawn from p(z) and then from p(x|z), not its mean.

    Conditions are met by rejection: rows are drawn from the whole model until enough of them meet all conditions, which
    is exact, since every row that stays is a draw of the model's conditional distribution.

    Args:
        model: of a table.
        number: how many rows.
        where: conditions, `income=>50K`, `age>=30`; a category, number or date behind =, !=, <, <=, > or >=.
        complete: without missing cells, also where the training part has some.
        seed: of the draws.

    Raises:
        UserError: no table, a condition that names no column or category, or one that no draw meets.
    """
    return np.concatenate(list(synthesized(model, number, where=where, complete=complete, seed=seed)))


def synthesized(
    model: Model, number: int, *, where: str | Sequence[str] = (), complete: bool = False, seed: int = 0
) -> Iterator[np.ndarray]:
    """`synthesize`, a few thousand rows at a time: any number of rows in the memory of those.

    Raises:
        UserError: as `synthesize`.
    """
    schema = model.schema
    if schema is None or schema.kind != "table":
        raise UserError("synthesize makes rows of a table, and this model was not trained on one; use model.sample.")
    if number < 1:
        raise UserError(f"The number of rows must be at least 1; {number} came.")
    given = [where] if isinstance(where, str) else list(where)
    conditions = [parse_condition(text, schema) for text in given]
    found = drawn = 0
    with evaluating(model, seed):
        while found < number:
            px = model.decode(model.draw_prior(CHUNK))
            x = px.complete() if complete else px.sample()  # type: ignore[attr-defined]
            raw = to_raw(x, schema)
            keep = np.ones(len(raw), bool)
            for condition in conditions:
                keep &= condition(raw)
            yield raw[keep][: number - found]
            found, drawn = found + int(keep.sum()), drawn + len(raw)
            if drawn >= MAX_DRAWS and found < min(number, drawn / MANY):
                raise UserError(
                    f"Of {drawn:,} draws only {found:,} meet {' and '.join(given)}, fewer than the {number:,} asked "
                    "for; ask for fewer, or widen the condition."
                )


def parse_condition(text: str, schema: Schema) -> Condition:
    """`column=value` as a test of rows (N, C) in their own units.

    Raises:
        UserError: no such column, operator or category.
    """
    names = [column.name for column in schema.columns]
    owner = max((name for name in names if text.strip().startswith(name)), key=len, default=None)
    if owner is None:
        raise UserError(f'"{text}" names no column; conditions are written income=>50K. {did_you_mean(text, names)}')
    rest = text.strip()[len(owner) :].strip()
    sign = next((s for s in OPERATORS if rest.startswith(s)), None)
    if sign is None:
        raise UserError(f'"{text}" has no =, !=, <, <=, > or >= behind {owner}, as in {owner}=value.')
    place = names.index(owner)
    value = value_of(rest[len(sign) :].strip(), schema.columns[place], sign)

    def meets(raw: np.ndarray) -> np.ndarray:
        return OPERATORS[sign](raw[:, place], value) & ~np.isnan(raw[:, place])

    return meets


def value_of(text: str, column: Column, sign: str = "=") -> float:
    """A value as the code or number that cells of the column hold.

    Raises:
        UserError: an unknown category, or no number or date.
    """
    if column.is_category:
        if text not in column.categories:
            raise UserError(f'"{column.name}" has no category "{text}". {did_you_mean(text, column.categories)}')
        if sign not in ("=", "!=") and column.kind != "ordinal":
            raise UserError(f'The categories of "{column.name}" have no order; use = or !=.')
        return float(column.categories.index(text))
    if column.kind == "datetime":
        found = read_dates(import_polars().Series(column.name, [text]))
        if found is not None:
            return float(found[0][0]) * (86400.0 if "%H" in column.format and "%H" not in found[1] else 1.0)
    else:
        try:
            return float(text)
        except ValueError:
            pass
    raise UserError(f'"{column.name}" holds {column.kind} values; "{text}" came.')

