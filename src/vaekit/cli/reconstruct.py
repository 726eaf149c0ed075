"""vaekit reconstruct: examples through the model and back."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from vaekit.cli.answer import Answer
from vaekit.cli.common import Common, Force
from vaekit.cli.inputs import PartName, batches, examples, load_model, open_run
from vaekit.cli.output import Output, in_data_units
from vaekit.cli.sound import holds_sound, is_sound_file, suffixes, through, write_clips
from vaekit.errors import UserError

EXAMPLE = "vaekit reconstruct runs/digits-1 -o pairs.png"
SUFFIXES = (".png", ".npy", ".npz", ".csv")
MAX_SHOWN, SHOWN = 48, 24


def reconstruct(
    run: str,
    input: str | None = None,
    /,
    *,
    output: Annotated[str | None, Parameter(alias="-o")] = None,
    part: PartName | None = None,
    limit: int | None = None,
    force: Force = False,
    common: Common = Common(),  # noqa: B008
) -> Answer:
    """Encode examples and decode them again; the error of each is in .csv and .npz.

    Args:
        run: a run folder, or a name in runs/.
        input: an image, a sound file, a folder of them, or a .npy, .npz or IDX file. [default: the run's test part]
        output: .png shows pairs; .npy holds reconstructions, .npz originals too, .csv the error of each example;
            of sound, .wav what is heard, of any length where the run is of recipe audio, and a folder a file each.
            [default: the next free RUN-reconstructions.png]
        part: of the run's own data: test, valid or train.
        limit: take a random subset of this many examples. [default: 24 in a picture, else all]
    """
    import torch

    from vaekit.evaluation import mse
    from vaekit.evaluation.chunks import subset

    opened = open_run(run)
    known = suffixes(SUFFIXES, opened.schema, folder=True)
    planned = Output.plan(output, f"{opened.name}-reconstructions.png", known, force=force)
    model = load_model(opened, common.device)
    if input is not None and is_sound_file(input) and holds_sound(planned) and len(model.latent_shape) == 3:
        return _recording(str(opened.path), through(model, input, opened.schema, planned), input)
    name, found = examples(opened, input, part)
    if planned.suffix == ".png":
        limit = min(SHOWN if limit is None else limit, MAX_SHOWN)
    found, schema = subset(found, limit, common.seed), opened.schema
    if schema.kind == "table":
        raise UserError("Rows of a table are not reconstructed one by one; use embed, sample, impute or detect.")
    seen, made = [], []
    for x, y in batches(model, found):
        seen.append(x.cpu())
        made.append(model.reconstruct(x, y).cpu())
    x, x_hat = torch.cat(seen), torch.cat(made)
    errors = mse(x, x_hat)
    if planned.suffix == ".png":
        from vaekit.plots import reconstructions

        note = f"Mean squared error {errors.mean():.4g} a value."
        path = planned.write_figure(reconstructions(x, x_hat, schema, note=note))
    elif holds_sound(planned):
        stems = [n.replace("/", "-").rsplit(".", 1)[0] for n in found.names] if found.names else None
        path = write_clips(planned, x_hat, schema, stems)
    elif planned.suffix == ".csv":
        path = planned.write_arrays("mse", {"mse": errors.numpy()}, identity(found))
    else:
        arrays: dict[str, Any] = {
            "x_hat": in_data_units(x_hat, schema), "x": in_data_units(x, schema), "mse": errors.numpy(),
        }  # fmt: skip
        path = planned.write_arrays("x_hat", arrays | with_labels(found), {})
    facts = {
        "run": str(opened.path), "input": name, "output": path, "number": len(x), "mse": float(errors.mean()),
        "seed": common.seed,
    }  # fmt: skip
    error = f"mean squared error {facts['mse']:.4g}"
    if schema.kind == "audio":
        from vaekit.evaluation.log_mel import log_mel_error

        facts["log_mel_error_db"] = float(log_mel_error(x, x_hat, schema.rate or 1).mean())
        error = f"log-mel error {facts['log_mel_error_db']:.2f} dB"
    return Answer(facts, lambda: f"{len(x):,} reconstructions of {name}, {error}: {path}")


def _recording(run: str, made: tuple[str, float, float], name: str) -> Answer:
    """What is said of a recording that went through a model of sequences."""
    path, seconds, error = made
    facts = {"run": run, "input": name, "output": path, "seconds": seconds, "log_mel_error_db": error}
    return Answer(facts, lambda: f"{seconds:.2f} s of {name}, log-mel error {error:.2f} dB: {path}")


def identity(part: Any, start: int = 0, stop: int | None = None) -> dict[str, list[Any]]:
    """The columns that say which example a row is: its file name or its place, and its class."""
    stop = len(part) if stop is None else stop
    columns: dict[str, list[Any]] = (
        {"name": part.names[start:stop]} if part.names else {"index": list(range(start, stop))}
    )
    if part.y is not None:
        known = part.schema.label_names
        columns["label"] = [known[i] if i < len(known) else i for i in part.y[start:stop].tolist()]
    return columns


def with_labels(part: Any, start: int = 0, stop: int | None = None) -> dict[str, Any]:
    """Labels and file names as arrays, where there are any."""
    import numpy as np

    found: dict[str, Any] = {} if part.y is None else {"y": part.y[start:stop].long().cpu().numpy()}
    return found | ({"names": np.array(part.names[start:stop])} if part.names else {})
