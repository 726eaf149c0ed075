"""vaekit sample: new data from a run's model."""

from __future__ import annotations

import math
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
SUFFIXES = (".png", ".npy", ".npz", ".csv")
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
        output: .png shows them; .npy, .npz and .csv hold their values; of sound, .wav has them one after another, and
            a folder a file each. [default: the next free RUN-samples.png]
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
    x, y = draw(model, schema, number, label, temperature, common.seed)
    names = [schema.label_names[i] for i in y.tolist()] if y is not None and schema.label_names else None
    if planned.suffix == ".png":
        from vaekit.plots import samples

        columns = model.condition if label is None and 4 <= model.condition <= 16 else 12
        note = f"Temperature {temperature:g}." if temperature != 1 else ""
        ink = on_black(x) if schema.kind == "image" and schema.shape[0] == 1 else None
        path = planned.write_figure(samples(x, schema, y, note=note, columns=columns, dark_ink=ink))
    elif holds_sound(planned):
        path = write_clips(planned, x, schema, names)
    else:
        arrays = {"x": in_data_units(x, schema)} | ({} if y is None else {"y": y.cpu().numpy()})
        path = planned.write_arrays("x", arrays, {"label": names} if names else {})
    facts: dict[str, Any] = {
        "run": str(opened.path), "output": path, "number": number, "shape": list(x.shape), "label": label,
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
    from vaekit.data.table_text import to_frame
    from vaekit.synthesis import synthesize

    planned = Output.plan(output, f"{opened.name}-samples.csv", TABLE_SUFFIXES, force=force)
    number = 1000 if number is None else number
    model = load_model(opened, common.device)
    raw = synthesize(model, number, where=where, complete=complete, seed=common.seed)
    path = planned.write_frame(to_frame(raw, opened.schema))
    facts = {
        "run": str(opened.path), "output": path, "number": number, "columns": [c.name for c in opened.schema.columns],
        "where": where, "seed": common.seed,
    }  # fmt: skip
    return Answer(facts, lambda: f"{number:,} rows: {path}")


def draw(
    model: Model, schema: Schema, number: int, label: str | None, temperature: float, seed: int
) -> tuple[Any, Any]:
    """Samples (N, *event) on the CPU and their classes (N,), None for an unconditional model."""
    import torch

    y = None
    if label is not None:
        y = torch.full((number,), class_of(label, model, schema))
    elif model.condition:
        y = torch.arange(number) % model.condition
    torch.manual_seed(seed)
    drawn = []
    for start in range(0, number, CHUNK):
        end = min(start + CHUNK, number)
        given = None if y is None else y[start:end].to(model.device)
        drawn.append(model.sample(end - start, given, temperature=temperature).cpu())
    return torch.cat(drawn), y


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
