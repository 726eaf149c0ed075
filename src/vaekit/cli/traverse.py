"""vaekit traverse: one latent dimension changed at a time."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from vaekit.cli.answer import Answer, say
from vaekit.cli.common import Common, Force
from vaekit.cli.inputs import batches, held_out, load_model, open_run
from vaekit.cli.output import Output, in_data_units
from vaekit.cli.sound import holds_sound, suffixes, write_clips
from vaekit.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor

    from vaekit.data import Part
    from vaekit.model import Model

EXAMPLE = "vaekit traverse runs/digits-1 -o traversals.png"
SUFFIXES = (".png", ".npy", ".npz")
NUM_EXAMPLES = 1000


def traverse(
    run: str,
    /,
    *,
    output: Annotated[str | None, Parameter(alias="-o")] = None,
    dims: int = 12,
    steps: int = 11,
    span: float = 3.0,
    example: int = 0,
    force: Force = False,
    common: Common = Common(),  # noqa: B008
) -> Answer:
    """Change one latent dimension of an example's code at a time, the most informative first, and decode.

    Args:
        run: a run folder, or a name in runs/.
        output: .png shows a row a dimension; .npy and .npz hold the values, (dims, steps, ...); of sound, .wav has
            them one after another.
            [default: the next free RUN-traversals.png]
        dims: how many dimensions.
        steps: places on each.
        span: from -span to span; of an autoencoder, and on a sphere or ball, in standard deviations of codes.
        example: the held-out example, by its place, whose code is changed.
    """
    import torch

    from vaekit.conditional import is_curved

    opened = open_run(run)
    planned = Output.plan(output, f"{opened.name}-traversals.png", suffixes(SUFFIXES, opened.schema), force=force)
    for name, value, low in (("dims", dims, 1), ("steps", steps, 2), ("span", span, 0)):
        if not low <= value < math.inf:
            raise UserError(f"--{name} must be at least {low} and finite; {value} came.")
    model = load_model(opened, common.device)
    if len(model.latent_shape) != 1:
        is_book = getattr(getattr(model, "posterior", None), "support", "real") == "codes"
        grid = model.latent_shape[1:] if is_book else model.latent_shape
        shape = " x ".join(map(str, grid))
        what = f"a grid {shape} of entries of a codebook" if is_book else f"codes of shape {shape}"
        raise UserError(
            f"traverse changes one number of a code at a time, and {opened.name} has {what} instead; "
            "`vaekit interpolate` and `vaekit sample` work for it."
        )
    part_name, part = held_out(opened.load_data())
    part = part.take(torch.arange(min(len(part), max(NUM_EXAMPLES, example + 1))))
    if not 0 <= example < len(part):
        raise UserError(f"--example must be below {len(part)}, the size of the {part_name} part; {example} came.")
    say(f"Ordering the latent dimensions of {opened.name} by what they carry ...")
    z, kl = codes_and_kl(model, part, common.seed)
    order = (z.var(0) if kl is None else kl).argsort(descending=True)[: min(dims, z.shape[1])]
    values, in_units = torch.linspace(-span, span, steps), model.is_density and not is_curved(model)
    codes = z[example].expand(len(order), steps, -1).clone()
    for row, dim in enumerate(order):
        codes[row, :, dim] = values if in_units else z[:, dim].mean() + values * z[:, dim].std()
    given = None
    if model.condition and part.y is not None:
        given = part.y[example].expand(len(order) * steps).to(model.device)
    with torch.no_grad():
        images = model.decode(codes.flatten(0, 1).to(model.device), given).mean.cpu()
    rows, schema = codes.shape[:2], opened.schema
    if planned.suffix == ".png":
        from vaekit.plots import traversals
        from vaekit.plots.tiles import has_dark_ink

        axis = "value of the latent dimension" if in_units else "standard deviations from the mean code"
        path = planned.write_figure(
            traversals(images.unflatten(0, rows), schema, None if kl is None else kl[order], values=values,
                       dims=order.tolist(), axis=axis, dark_ink=has_dark_ink(next(part.batches(100))[0], schema))
        )  # fmt: skip
    elif holds_sound(planned):
        path = write_clips(planned, images, schema)
    else:
        x = in_data_units(images, schema).reshape(*rows, *schema.shape)
        arrays: dict[str, Any] = {"x": x, "dims": order.numpy(), "values": values.numpy()}
        path = planned.write_arrays("x", arrays, {})
    facts = {
        "run": str(opened.path), "output": path, "dims": order.tolist(), "values": values.tolist(), "example": example,
        "kl": None if kl is None else kl[order].tolist(),
    }  # fmt: skip
    return Answer(facts, lambda: f"{len(order)} latent dimensions at {steps} places: {path}")


def codes_and_kl(model: Model, part: Part, seed: int) -> tuple[Tensor, Tensor | None]:
    """Codes (N, D) and the mean KL of each dimension (D,), None where the model has none."""
    import torch

    from vaekit.evaluation import evaluate

    with torch.no_grad():
        z = torch.cat([model.embed(x, y).cpu() for x, y in batches(model, part)])
    results = evaluate(model, part.to(model.device), num_samples=0, seed=seed) if model.is_density else {}
    kls = [kl for layer in results.get("rate_per_dimension", []) for kl in layer]
    return z, torch.tensor(kls) if len(kls) == z.shape[1] else None
