"""vaekit impute: the missing cells of a table, filled."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from vaekit.cli.answer import Answer
from vaekit.cli.common import Common, Force
from vaekit.cli.inputs import load_model, open_run
from vaekit.cli.output import Output
from vaekit.errors import UserError

if TYPE_CHECKING:
    import numpy as np

    from vaekit.imputation import Imputation
    from vaekit.run import Run
    from vaekit.schema import Schema

EXAMPLE = "vaekit impute runs/adult-1 holes.csv -o filled.csv"
MAX_HELD = 100_000
SUFFIXES = (".csv", ".tsv", ".parquet")


def impute(
    run: str,
    input: str,
    /,
    *,
    output: Annotated[str | None, Parameter(alias="-o")] = None,
    multiple: int | None = None,
    draws: int = 50,
    level: float = 0.9,
    force: Force = False,
    common: Common = Common(),  # noqa: B008
) -> Answer:
    """Fill the missing cells of a table; every other cell stays as it is written.

    Cells are drawn given the observed ones of their row. A number becomes its mean, a category the likeliest
    one. With --multiple M the output holds M whole draws of the table, one below the other, and columns
    that say how sure each filled cell is: intervals are stretched until they cover so many of the cells that are hidden
    in the run's validation rows for that.

    Args:
        run: a run folder, or a name in runs/.
        input: a table with the columns that the run was trained on.
        output: .csv, .tsv or .parquet. [default: the next free RUN-filled.csv]
        multiple: so many draws of every row, in a column `imputation`, beside COLUMN_low and COLUMN_high (numbers) or
            COLUMN_probability (categories) of columns with filled cells. [default: one filled table]
        draws: draws of each missing cell.
        level: how often a number lies between COLUMN_low and COLUMN_high.
    """
    import polars as pl

    from vaekit.data.frames import split_missing
    from vaekit.data.tables import read_rows
    from vaekit.imputation import impute as fill

    opened = open_run(run)
    planned = Output.plan(output, f"{opened.name}-filled.csv", SUFFIXES, force=force)
    if multiple is not None and multiple < 1:
        raise UserError(f"--multiple must be at least 1; {multiple} came.")
    if draws < 1 or not 0 < level < 1:
        raise UserError(f"--draws is at least 1 and --level between 0 and 1; {draws} and {level:g} came.")
    model, schema = load_model(opened, common.device), opened.schema
    if schema.kind != "table":
        raise UserError(f"impute fills tables, and {opened.path} was trained on {schema.kind} data.")
    raw, notes, frame = read_rows(input, schema)
    held = None if multiple is None else held_rows(opened)
    if multiple is not None and held is None:
        notes.append(
            "Intervals are those of the draws: there are no validation rows at hand that could calibrate them."
        )
    found = fill(model, raw, num_draws=max(draws, multiple or 1), calibration=held, seed=common.seed)
    empty = split_missing(frame)[0].select(pl.col(c.name).is_null() for c in schema.columns).to_numpy()
    if (found.missing & ~empty).any():
        notes.append(
            "Cells that count as missing, though something is written there, stay as they are written."
        )
    found.missing &= empty
    made = (
        filled_frame(frame, found, schema)
        if multiple is None
        else stacked(frame, found, schema, multiple, level)
    )
    path = planned.write_frame(made)
    counts = dict(zip([c.name for c in schema.columns], found.missing.sum(0).tolist()))
    facts: dict[str, Any] = {
        "run": str(opened.path), "input": input, "output": path, "number": len(raw), "filled": sum(counts.values()),
        "filled_by_column": {k: v for k, v in counts.items() if v}, "notes": notes, "seed": common.seed,
    }  # fmt: skip
    return Answer(facts, lambda: [*notes, f"{facts['filled']:,} cells of {len(raw):,} rows filled: {path}"])


def held_rows(run: Run) -> np.ndarray | None:
    """The validation rows of a run, in the table's own units; None where there are none, or the data is elsewhere."""
    try:
        valid = run.load_data().valid
    except UserError:
        return None
    return None if valid is None else valid.in_memory(MAX_HELD).raw.numpy()


def filled_frame(frame: Any, found: Imputation, schema: Schema, draw: int | None = None) -> Any:
    """The frame of text with its missing cells filled, by the single values or by one draw."""
    import polars as pl

    from vaekit.data.table_text import to_text

    values = found.filled if draw is None else found.draws[draw]
    for j, column in enumerate(schema.columns):
        gone = found.missing[:, j]
        if not gone.any():
            continue
        texts = to_text(values[:, j], column)
        cells = [
            new if is_gone else old for new, is_gone, old in zip(texts, gone.tolist(), frame[column.name])
        ]
        frame = frame.with_columns(pl.Series(column.name, cells, dtype=pl.String))
    return frame


def stacked(frame: Any, found: Imputation, schema: Schema, multiple: int, level: float) -> Any:
    """Draws below each other, with the columns of uncertainty."""
    import numpy as np
    import polars as pl

    from vaekit.data.table_text import to_text

    low, high = found.interval(level)
    agreement = found.agreement()
    extra = []
    for j, column in enumerate(schema.columns):
        gone = found.missing[:, j].tolist()
        if not any(gone):
            continue
        if column.is_category:
            shares = [round(v, 4) if g else None for v, g in zip(agreement[:, j].tolist(), gone)]
            extra.append(pl.Series(f"{column.name}_probability", shares, dtype=pl.Float64))
            continue
        for name, ends in (("low", low), ("high", high)):
            inside = np.clip(ends[:, j], column.low, column.high)
            texts = [t if g else None for t, g in zip(to_text(inside, column), gone)]
            extra.append(pl.Series(f"{column.name}_{name}", texts, dtype=pl.String))
    tables = [
        filled_frame(frame, found, schema, m).with_columns(pl.lit(m + 1).alias("imputation"), *extra)
        for m in range(multiple)
    ]
    return pl.concat(tables)
