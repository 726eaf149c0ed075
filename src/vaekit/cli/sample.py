"""vaekit sample: new data from a run's model."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from vaekit.cli.answer import Answer
from vaekit.cli.common import Common, Force
from vaekit.cli.inputs import load_model, open_run
from vaekit.cli.output import Output, in_data_units
from vaekit.cli.sound import holds_sound, suffixes, write_clips
from vaekit.errors import UserError, did_you_mean

if TYPE_CHECKING:
    from vaekit.model import Model
    from vaekit.run import Run
    from vaekit.schema import Schema

EXAMPLE = "vaekit sample runs/digits-1 -n 64 -o new.png"
SUFFIXES = (".png", ".npy", ".npz", ".csv", ".parquet")
TABLE_SUFFIXES = (".csv", ".tsv", ".parquet")
MAX_SHOWN = 96
CHUNK = 500
GUESSED = "An autoencoder has no prior that its codes follow: these decode guesses from a standard normal."


def sample(
    run: str,
    /,
    *,
    number: Annotated[int | None, Parameter(alias="-n")] = None,
    output: Annotated[str | None, Parameter(alias="-o")] = None,
    label: str | None = None,
    temperature: float = 1.0,
    where: list[str] | None = None,
    complete: Annotated[bool, Parameter(negative=())] = False,
    force: Force = False,
    common: Common = Common(),  # noqa: B008
) -> Answer:
    """Draw new examples from a run's model.

    Args:
        run: a run folder, or a name in runs/.
        number: how many. [default: 96]
        output: .png shows them; .npy, .npz, .csv and .parquet hold their values, any number of them; of sound, .wav
            has them one after another, and a folder a file each. [default: the next free RUN-samples.png]
        label: the class to draw, of a model trained with --conditional. [default: all in turn]
        temperature: scales the prior's spread; below 1 gives more typical examples.
        where: of a table: rows that meet a condition, "income=>50K" or "age>=30"; may be given several times. Draws
            that do not meet it are thrown away, which is exact. [default: none]
        complete: of a table: no missing cells, also where the training part has some.
    """
    opened = open_run(run)
    if opened.schema.kind == "table":
        if label is not None or temperature != 1.0:
            raise UserError("--label and --temperature are not for tables; use --where, as in --where 'income=>50K'.")
        return sample_table(opened, number, output, where or [], complete, force=force, common=common)
    if where or complete:
        kind = opened.schema.kind
        raise UserError(f"--where and --complete are for tables; {opened.path} was trained on {kind} data.")
    known = suffixes(SUFFIXES, opened.schema, folder=True)
    planned = Output.plan(output, f"{opened.name}-samples.png", known, force=force)
    number = MAX_SHOWN if number is None else number
    if number < 1:
        raise UserError(f"--number must be at least 1; {number} came.")
    if planned.suffix == ".png" and number > MAX_SHOWN:
        raise UserError(f"A picture shows at most {MAX_SHOWN} examples; write {number:,} to a .npy file.")
    if not 0 <= temperature < math.inf:
        raise UserError(f"--temperature must be at least 0 and finite; {temperature:g} came.")
    model = load_model(opened, common.device)
    schema = opened.schema
    pieces = draw(model, schema, number, label, temperature, common.seed)
    if planned.suffix in SUFFIXES[1:]:
        path, shape = write_pieces(planned, pieces, schema, number), (number, *schema.shape)
    else:
        path, shape = write_whole(planned, pieces, model, schema, label, temperature)
    facts: dict[str, Any] = {
        "run": str(opened.path), "output": path, "number": number, "shape": list(shape), "label": label,
        "temperature": temperature, "seed": common.seed,
    }  # fmt: skip
    if not model.is_density:
        facts["note"] = GUESSED
    return Answer(facts, lambda: [f"{number:,} samples: {path}", *([GUESSED] if "note" in facts else [])])


def sample_table(
    opened: Run, number: int | None, output: str | None, where: list[str], complete: bool, *,
    force: bool, common: Common,
) -> Answer:  # fmt: skip
    """New rows, with the columns, types, ranges and category names of the data."""
    from vaekit.cli.sink import frame_sink
    from vaekit.data.table_text import to_frame
    from vaekit.synthesis import synthesized

    planned = Output.plan(output, f"{opened.name}-samples.csv", TABLE_SUFFIXES, force=force)
    number = 1000 if number is None else number
    model = load_model(opened, common.device)
    with frame_sink(planned) as out:
        for raw in synthesized(model, number, where=where, complete=complete, seed=common.seed):
            out.write(to_frame(raw, opened.schema))
    facts = {
        "run": str(opened.path), "output": str(planned.path), "number": number, "where": where,
        "columns": [c.name for c in opened.schema.columns], "seed": common.seed,
    }  # fmt: skip
    return Answer(facts, lambda: f"{number:,} rows: {planned.path}")


def draw(
    model: Model, schema: Schema, number: int, label: str | None, temperature: float, seed: int
) -> Iterator[tuple[Any, Any]]:
    """Samples (n, *event) on the CPU and their classes (n,), None for an unconditional model, some at a time."""
    import torch

    one = None if label is None else class_of(label, model, schema)
    torch.manual_seed(seed)
    for start in range(0, number, CHUNK):
        end = min(start + CHUNK, number)
        y = None
        if one is not None:
            y = torch.full((end - start,), one)
        elif model.condition:
            y = torch.arange(start, end) % model.condition
        given = None if y is None else y.to(model.device)
        yield model.sample(end - start, given, temperature=temperature).cpu(), y


def write_pieces(planned: Output, pieces: Iterator[tuple[Any, Any]], schema: Schema, number: int) -> str:
    """Samples in their own units as .npy, .npz, .csv or .parquet, as they come."""
    from vaekit.cli.sink import sink

    with sink(planned, "x", number) as out:
        for x, y in pieces:
            names = class_names(y, schema)
            arrays = {"x": in_data_units(x, schema)} | ({} if y is None else {"y": y.numpy()})
            out.write({"label": names} if names else {}, arrays)
    return str(planned.path)


def write_whole(
    planned: Output, pieces: Iterator[tuple[Any, Any]], model: Model, schema: Schema, label: str | None,
    temperature: float,
) -> tuple[str, tuple[int, ...]]:  # fmt: skip
    """Samples as a picture or as sound, and their shape."""
    import torch

    drawn = list(pieces)
    x = torch.cat([x for x, _ in drawn])
    y = None if drawn[0][1] is None else torch.cat([y for _, y in drawn])
    if holds_sound(planned):
        return write_clips(planned, x, schema, class_names(y, schema)), tuple(x.shape)
    from vaekit.plots import samples

    columns = model.condition if label is None and 4 <= model.condition <= 16 else 12
    note = f"Temperature {temperature:g}." if temperature != 1 else ""
    ink = on_black(x) if schema.kind == "image" and schema.shape[0] == 1 else None
    figure = samples(x, schema, y, note=note, columns=columns, dark_ink=ink)
    return planned.write_figure(figure), tuple(x.shape)


def class_names(y: Any, schema: Schema) -> list[str] | None:
    """The names of classes (n,), where they have any."""
    return None if y is None or not schema.label_names else [schema.label_names[i] for i in y.tolist()]


def on_black(x: Any) -> bool:
    """Whether one-channel images (N, 1, H, W) are drawn on black, by their borders.

    Then they print as dark ink on white, as a run's own pictures do; those see the data, which may not be at hand here.
    """
    import torch

    frame = torch.cat([x[..., 0, :], x[..., -1, :], x[..., 0], x[..., -1]], -1)
    return bool((frame < 0.1).double().mean() > 0.5 and x.mean() < 0.5)


def class_of(label: str, model: Model, schema: Schema) -> int:
    """The position of a class by its name, or by its number.

    Raises:
        UserError: no such class, or the model takes none.
    """
    if not model.condition:
        raise UserError("This model was not trained on labels; train one with --conditional, or leave --label out.")
    if label in schema.label_names:
        return schema.label_names.index(label)
    if label.isdigit() and int(label) < model.condition:
        return int(label)
    raise UserError(f'There is no class "{label}". {did_you_mean(label, schema.label_names)}')
