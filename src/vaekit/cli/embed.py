"""vaekit embed: the codes of examples."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from vaekit.cli.answer import Answer
from vaekit.cli.common import Common, Force
from vaekit.cli.inputs import PartName, batches, examples, load_model, open_run
from vaekit.cli.output import Output
from vaekit.cli.reconstruct import identity, with_labels

EXAMPLE = "vaekit embed runs/digits-1 photos/ -o codes.csv"
SUFFIXES = (".csv", ".npy", ".npz")


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
    """Compress examples to their codes, the means of q(z|x) (the mean directions on a sphere).

    Of a vector-quantized model, .csv holds the numbers of the codes, .npy their vectors, .npz both.

    Args:
        run: a run folder, or a name in runs/.
        input: an image, a folder of images, a table, or a .npy, .npz or IDX file. [default: the run's test part]
        output: .csv has a row an example, with its name and label; .npy is (N, D); .npz has z, y and names.
            [default: the next free RUN-codes.csv]
        part: of the run's own data: test, valid or train.
    """
    import torch

    from vaekit.distributions.shaped import center

    opened = open_run(run)
    planned = Output.plan(output, f"{opened.name}-codes.csv", SUFFIXES, force=force)
    model = load_model(opened, common.device)
    name, found = examples(opened, input, part)
    gathered: dict[str, list[Any]] = {}
    with torch.no_grad():
        for x, y in batches(model, found):
            qz = model.encode(x, y)
            values = {"z": center(qz), "codes": getattr(qz, "codes", None)}
            for key, value in values.items():
                if value is not None:
                    gathered.setdefault(key, []).append(value.cpu())
    arrays = {key: torch.cat(values).numpy() for key, values in gathered.items()}
    main = "codes" if planned.suffix == ".csv" and "codes" in arrays else "z"
    path = planned.write_arrays(main, arrays | with_labels(found), identity(found))
    shape = list(arrays[main].shape)
    facts = {"run": str(opened.path), "input": name, "output": path, "number": len(found), "shape": shape}
    return Answer(facts, lambda: f"{len(found):,} codes of {name}, shape {tuple(shape[1:])}: {path}")
