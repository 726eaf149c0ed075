"""vaekit embed: the codes of examples."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Annotated

from cyclopts import Parameter

from vaekit.cli.answer import Answer, speaks
from vaekit.cli.common import Common, Force, shared_out
from vaekit.cli.inputs import PartName, batches, examples, load_model, open_run
from vaekit.cli.output import Output
from vaekit.cli.reconstruct import identity, with_labels

EXAMPLE = "vaekit embed runs/digits-1 photos/ -o codes.csv"
SUFFIXES = (".csv", ".npy", ".npz", ".parquet")


@shared_out
def embed(
    run: str,
    input: str | None = None,
    /,
    *,
    output: Annotated[str | None, Parameter(alias="-o")] = None,
    part: PartName | None = None,
    force: Force = False,
    common: Common = Common(),  # noqa: B008
) -> Answer:
    """Compress examples to their codes, the means of q(z|x) (the mean directions on a sphere, the centres on a ball).

    Of a vector-quantized model, .csv and .parquet hold the numbers of the codes, .npy their vectors, .npz both. Any
    number of examples needs the memory of a few: large files are read and written piece by piece.

    Args:
        run: a run folder, or a name in runs/.
        input: an image, a folder of images, a table, or a .npy, .npz or IDX file. [default: the run's test part]
        output: .csv and .parquet have a row an example, with its name and label; .npy is (N, D); .npz has z, y and
            names. [default: the next free RUN-codes.csv]
        part: of the run's own data: test, valid or train.
    """
    import torch

    from vaekit.cli.sink import sink
    from vaekit.distributions.shaped import center
    from vaekit.evaluation.together import rows_of
    from vaekit.ranks import Split

    opened = open_run(run)
    planned = Output.plan(output, f"{opened.name}-codes.csv", SUFFIXES, force=force)
    model = load_model(opened, common.device)
    name, found = examples(opened, input, part)
    start, shape = 0, tuple[int, ...]()
    writing = sink(planned, "z", len(found)) if speaks() else nullcontext()
    with torch.no_grad(), writing as out:
        for x, y in batches(model, found):
            split, stop = Split.of(len(x)), start + len(x)
            qz = model.encode(*rows_of(split, x, y))
            values = {"z": center(qz), "codes": getattr(qz, "codes", None)}
            arrays = {k: split.gathered(v).cpu().numpy() for k, v in values.items() if v is not None}
            main = "codes" if planned.suffix in (".csv", ".parquet") and "codes" in arrays else "z"
            if out is not None:
                out.main = main
                out.write(identity(found, start, stop), arrays | with_labels(found, start, stop))
            start, shape = stop, arrays[main].shape[1:]
    facts = {"run": str(opened.path), "input": name, "output": str(planned.path), "number": start,
             "shape": [start, *shape]}  # fmt: skip
    return Answer(facts, lambda: f"{start:,} codes of {name}, shape {shape}: {planned.path}")
