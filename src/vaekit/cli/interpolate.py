"""vaekit interpolate: straight lines through latent space."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from vaekit.cli.answer import Answer
from vaekit.cli.common import Common, Force
from vaekit.cli.inputs import batches, held_out, load_model, open_run, read_input
from vaekit.cli.output import Output, in_data_units
from vaekit.cli.sound import holds_sound, suffixes, write_clips
from vaekit.errors import UserError
from vaekit.run import Run

if TYPE_CHECKING:
    from vaekit.data import Part
    from vaekit.model import Model

EXAMPLE = "vaekit interpolate runs/digits-1 3 17 -o path.png"
SUFFIXES = (".png", ".npy", ".npz")
MAX_LOOKED_AT = 100_000


def interpolate(
    run: str,
    a: str | None = None,
    b: str | None = None,
    /,
    *,
    output: Annotated[str | None, Parameter(alias="-o")] = None,
    number: Annotated[int, Parameter(alias="-n")] = 6,
    steps: int = 11,
    force: Force = False,
    common: Common = Common(),  # noqa: B008
) -> Answer:
    """Walk from one example to another in a straight line through latent space, and decode on the way.

    Args:
        run: a run folder, or a name in runs/.
        a: where to start: an image or sound file, or the place of an example in the test part. [default: random pairs]
        b: where to end.
        output: .png shows a row a pair; .npy and .npz hold the values, (pairs, steps, ...); of sound, .wav
            is the walk to listen to.
            [default: the next free RUN-interpolations.png]
        number: random pairs, where A and B are not given.
        steps: places on each line, its ends included.
    """
    import torch

    opened = open_run(run)
    planned = Output.plan(output, f"{opened.name}-interpolations.png", suffixes(SUFFIXES, opened.schema), force=force)
    if (a is None) != (b is None):
        raise UserError("interpolate goes from A to B: give both, or neither for random pairs.")
    if steps < 2 or number < 1:
        raise UserError(f"--steps is at least 2 and --number at least 1; {steps} and {number} came.")
    model = load_model(opened, common.device)
    if a is not None and b is not None:
        ends = [_end(opened, end) for end in (a, b)]
        if model.needs_labels and all(p.y is not None for p in ends) and not torch.equal(ends[0].y, ends[1].y):  # type: ignore[arg-type]
            raise UserError("This model is told the class of each example, so A and B must be of one class.")
    else:
        ends = random_pairs(held_out(opened.load_data())[1], model, number, common.seed)
    (x, y), (x_end, _) = (next(batches(model, end, len(end))) for end in ends)
    walk = model.interpolate(x, x_end, y, num_steps=steps).cpu()
    if planned.suffix == ".png":
        from vaekit.plots import interpolations
        from vaekit.plots.tiles import has_dark_ink

        ink = has_dark_ink(torch.cat([x, x_end]).cpu(), opened.schema)
        path = planned.write_figure(interpolations(walk, opened.schema, dark_ink=ink))
    elif holds_sound(planned):
        path = write_clips(planned, walk.flatten(0, 1), opened.schema)
    else:
        values = in_data_units(walk.flatten(0, 1), opened.schema).reshape(walk.shape)
        path = planned.write_arrays("x", {"x": values}, {})
    facts = {
        "run": str(opened.path), "output": path, "pairs": len(walk), "steps": steps, "a": a, "b": b,
        "seed": common.seed,
    }  # fmt: skip
    pairs = "1 line" if len(walk) == 1 else f"{len(walk)} lines"
    return Answer(facts, lambda: f"{pairs} of {steps} places: {path}")


def _end(run: Run, text: str) -> Part:
    """One example: a file of one, or a place in the held-out part."""
    import torch

    if text.isdigit():
        name, part = held_out(run.load_data())
        if int(text) >= len(part):
            raise UserError(f"The {name} part has {len(part):,} examples, from 0 on; there is no {text}.")
        return part.take(torch.tensor([int(text)]))
    part = read_input(text, run.schema, run.config.get("data", {}).get("binarize", "none"))
    if len(part) != 1:
        raise UserError(f"{text} holds {len(part):,} examples; give a file of one, or a place in the test part.")
    return part


def random_pairs(part: Part, model: Model, number: int, seed: int) -> list[Part]:
    """Starts and ends, drawn by the seed; of one class each where the model is told the class.

    Raises:
        UserError: there are not two examples to walk between.
    """
    import torch

    order = part.order(torch.Generator().manual_seed(seed))[:MAX_LOOKED_AT].tolist()
    starts: list[int] = []
    ends: list[int] = []
    waiting: dict[int, int] = {}
    for i in order:
        label = int(part.y[i]) if model.needs_labels and part.y is not None else 0
        if label in waiting:
            starts.append(waiting.pop(label))
            ends.append(i)
        else:
            waiting[label] = i
        if len(starts) == number:
            break
    if not starts:
        raise UserError("There are no two held-out examples to walk between; give A and B.")
    return [part.take(torch.tensor(starts)), part.take(torch.tensor(ends))]
