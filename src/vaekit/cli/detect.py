"""vaekit detect: how strange each example is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from vaekit.cli.answer import Answer, table
from vaekit.cli.common import Common, Force
from vaekit.cli.inputs import PartName, examples, load_model, open_run
from vaekit.cli.output import Output
from vaekit.cli.reconstruct import identity

if TYPE_CHECKING:
    import numpy as np

    from vaekit.evaluation.detect import Detection
    from vaekit.schema import Schema

EXAMPLE = "vaekit detect runs/adult-1 new.csv -o scores.csv"
SUFFIXES = (".csv", ".parquet")
NUM_REASONS, SHOWN = 3, 10


def detect(
    run: str,
    input: str | None = None,
    /,
    *,
    output: Annotated[str | None, Parameter(alias="-o")] = None,
    part: PartName | None = None,
    num_samples: int = 32,
    force: Force = False,
    common: Common = Common(),  # noqa: B008
) -> Answer:
    """Score how strange examples are, and name the columns that make them so.

    The score is the share of the training part that is less strange: 0.99 means stranger than 99 % of it. The
    strangeness orders what is stranger than all of them: about 0 is usual, and beyond 1 lies one in ten. It joins how
    far the code is from those of the training part, and how badly the code explains the example, in units that the
    validation part sets. The surprise is -log p(x) in nats beyond the average.

    Args:
        run: a run folder, or a name in runs/.
        input: a table, an image, a folder of images, or a .npy, .npz or IDX file. [default: the run's test part]
        output: .csv or .parquet with a row an example. [default: the next free RUN-scores.csv]
        part: of the run's own data: test, valid or train.
        num_samples: draws of the code for each example.
    """
    from vaekit.cli.sink import sink
    from vaekit.evaluation.detect import detections

    opened = open_run(run)
    planned = Output.plan(output, f"{opened.name}-scores.csv", SUFFIXES, force=force)
    model = load_model(opened, common.device)
    name, found = examples(opened, input, part)
    data = opened.load_data()
    start, strange = 0, 0
    top: list[tuple[float, list[Any]]] = []
    columns: dict[str, list[Any]] = {}
    with sink(planned, "", len(found)) as out:
        for result in detections(
            model, found, data.train, held=data.valid, num_samples=num_samples, seed=common.seed
        ):
            columns = {**identity(found, start, start + len(result.score)), **_columns(result, opened.schema)}
            out.write(columns, {})
            start += len(result.score)
            strange += int((result.score >= 0.99).sum())
            first = (-result.strangeness).argsort(kind="stable")[:SHOWN].tolist()
            top += [(result.strangeness[i], [values[i] for values in columns.values()]) for i in first]
            top = sorted(top, key=lambda row: -row[0])[:SHOWN]
    facts = {"run": str(opened.path), "input": name, "output": str(planned.path), "number": start,
             "strange": strange, "seed": common.seed}  # fmt: skip

    def view() -> list[Any]:
        text = (
            f"{strange:,} of {start:,} examples are stranger than 99 % of the training part: {planned.path}"
        )
        return [table(f"The strangest of {name}", list(columns), [row for _, row in top]), text]

    return Answer(facts, view)


def _columns(found: Detection, schema: Schema) -> dict[str, list[Any]]:
    """Score, strangeness, surprise and reasons of some examples."""
    columns: dict[str, list[Any]] = {
        "score": [round(v, 6) for v in found.score.tolist()],
        "strangeness": [round(v, 4) for v in found.strangeness.tolist()],
        "surprise": [round(v, 4) for v in found.surprise.tolist()],
    }
    if found.contributions is not None:
        known = [c.name for c in schema.columns] or [
            f"x_{i + 1}" for i in range(found.contributions.shape[1])
        ]
        columns["because"] = [reasons(row, known) for row in found.contributions]
    return columns


def reasons(contributions: np.ndarray, names: list[str]) -> str:
    """The columns that cost most beyond their average, with nats: `age (5.2), income (3.1)`."""
    order = (-contributions).argsort(kind="stable")[:NUM_REASONS]
    return ", ".join(f"{names[j]} ({contributions[j]:.1f})" for j in order.tolist() if contributions[j] > 0.5)
