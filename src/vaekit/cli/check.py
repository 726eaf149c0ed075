"""vaekit check: what would be trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Any

from cyclopts import Group, Parameter

from vaekit.cli.answer import Answer, pairs, table
from vaekit.cli.common import Common, Force
from vaekit.cli.output import Output
from vaekit.cli.signature import fields, with_options
from vaekit.options import DataOptions, sort_options

EXAMPLE = "vaekit check photos/ --size 64 -o photos.png"
MAX_CLASSES, MAX_ROWS = 40, 100_000


def command(tokens: Sequence[str]) -> Callable[..., Any]:
    """`check` with the options of the data."""
    return with_options(check, fields(DataOptions, Group("Data", sort_key=2)))


def check(
    data: str,
    /,
    *,
    output: Annotated[str | None, Parameter(alias="-o")] = None,
    force: Force = False,
    common: Common = Common(),  # noqa: B008
    **options: Any,
) -> Answer:
    """Look at data before training: shapes, counts, ranges, labels, the split, oddities.

    Args:
        data: a name (digits, adult, ...), a folder of images or sounds, a .csv or .parquet, or a .npy, .npz or IDX
            file.
        output: a .png that shows examples as the model would see them. [default: none]
    """
    from vaekit.data import open_data

    planned = Output.plan(output, "", (".png",), force=force) if output is not None else None
    dataset = open_data(data, seed=common.seed, **sort_options(options, None).data)
    facts = dataset.describe()
    if planned is not None and dataset.schema.columns:
        from vaekit.plots.marginals import marginals

        rows = dataset.train.in_memory(MAX_ROWS).raw
        facts["output"] = planned.write_figure(marginals(rows, None, dataset.schema))
    elif planned is not None:
        from vaekit.evaluation.chunks import subset
        from vaekit.plots import data_grid

        x, y = next(subset(dataset.train, 96, common.seed).batches(96))
        facts["output"] = planned.write_figure(data_grid(x, dataset.schema, y))
    return Answer(facts, lambda: _view(facts))


def _view(facts: dict[str, Any]) -> list[Any]:
    if facts["columns"]:
        return _view_table(facts)
    low, high = facts["raw_range"]
    levels = f", {facts['levels']} levels" if facts["levels"] else ""
    model_low, model_high = facts["model_range"]
    about = {
        "kind": facts["kind"],
        "shape": " x ".join(map(str, facts["shape"])),
        "sound": f"{facts['seconds']:.4g} s at {facts['rate']:,} Hz" if "rate" in facts else None,
        "values": f"{facts['dtype']}, {low:g} to {high:g}{levels}",
        "model sees": "standardized values" if model_low is None else f"{model_low:g} to {model_high:g}",
        "binarized": facts["binarize"] if facts["binarize"] != "none" else None,
        "parts": "  ".join(f"{name} {count:,}" for name, count in facts["parts"].items()),
        "factors": ", ".join(facts["factors"]),
        "in files" if facts["streamed"] else "memory": f"{facts['memory_bytes'] / 1e6:,.1f} MB",
        "picture": facts.get("output"),
    }
    made: list[Any] = [pairs(facts["name"], about)]
    counts = facts["label_counts"]
    if counts:
        labels = list(next(iter(counts.values())))
        rows = [[label, *(counts[part].get(label, 0) for part in counts)] for label in labels[:MAX_CLASSES]]
        made.append(table("Classes", ("class", *counts), rows, numbers=range(1, 1 + len(counts))))
        if len(labels) > MAX_CLASSES:
            made.append(f"... and {len(labels) - MAX_CLASSES:,} more classes")
    said = [*facts["notes"], *facts["oddities"]]
    if said:
        made.append("\n".join(f"- {sentence}" for sentence in said))
    return made


def _view_table(facts: dict[str, Any]) -> list[Any]:
    about = {
        "kind": f"table, {len(facts['columns'])} columns",
        "parts": "  ".join(f"{name} {count:,}" for name, count in facts["parts"].items()),
        "in files" if facts["streamed"] else "memory": f"{facts['memory_bytes'] / 1e6:,.1f} MB",
        "picture": facts.get("output"),
    }
    rows = [[c["name"], c["kind"], c["values"], f"{c['missing']:,}" if c["missing"] else ""] for c in facts["columns"]]
    made: list[Any] = [pairs(facts["name"], about)]
    made.append(table("Columns", ("column", "kind", "values", "missing"), rows, numbers=(3,)))
    made.append("\n".join(f"- {sentence}" for sentence in [*facts["notes"], *facts["oddities"]]))
    made.append('Another kind of a column: --types "age=continuous,grade=ordinal(low<high)"')
    return made
