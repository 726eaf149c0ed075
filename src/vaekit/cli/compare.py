"""vaekit compare: runs side by side, as one table and one picture."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from vaekit.cli.answer import Answer, say, table
from vaekit.cli.common import Common, Force
from vaekit.cli.figures import FIGURES, Figure, groups_of, measure, refusals, shown
from vaekit.cli.inputs import PartName, held_out, load_model, open_run
from vaekit.cli.output import Output
from vaekit.cli.show import recipe_of
from vaekit.errors import UserError
from vaekit.run import Run

if TYPE_CHECKING:
    from vaekit.data import Dataset, Part
    from vaekit.model import Model

EXAMPLE = "vaekit compare runs/digits-1 runs/digits-2 -o both.png"
BEST = "*"
LEGEND = f"{BEST} best, and whatever its 95 % interval does not tell apart from the best."


def compare(
    *runs: str,
    output: Annotated[str | None, Parameter(alias="-o")] = None,
    metrics: str = "likelihood",
    num_samples: Annotated[int, Parameter(alias="-k")] = 100,
    part: PartName | None = None,
    limit: int = 1000,
    features: Literal["auto", "classifier", "autoencoder", "pca"] = "auto",
    num_new: int = 5000,
    force: Force = False,
    common: Common = Common(),  # noqa: B008
) -> Answer:
    """Measure runs on the same held-out examples, and draw them side by side.

    A figure is ranked only where all runs measured it by the same protocol.

    Args:
        runs: two or more run folders, or names in runs/.
        output: a .png for the picture. [default: the next free comparison.png]
        metrics: likelihood, latents, samples, disentanglement, several with commas between them, or all.
        num_samples: draws K of z for each example.
        part: test, valid or train. [default: test, where there is one]
        limit: measure a random subset of this many examples, the same for every run.
        features: what samples are compared by: a network trained on the data's labels or as an autoencoder, or pca.
        num_new: new samples that are compared with the data.
    """
    if len(runs) < 2:
        raise UserError(f"compare takes two runs or more; {len(runs)} came. For one, use `vaekit evaluate`.")
    if num_samples < 0 or min(limit, num_new) < 1:
        raise UserError("--num-samples is at least 0, --limit and --num-new are at least 1.")
    groups = groups_of(metrics)
    planned = Output.plan(output, "comparison.png", (".png",), force=force)
    opened = [open_run(run) for run in runs]
    names = names_of(opened)
    same = require_same_data(opened)
    from vaekit.plots import comparison, panel_of

    panels, columns = [], []
    for run, name in zip(opened, names, strict=True):
        model, data = load_model(run, common.device), run.load_data()
        part_name, held = held_out(data, part)
        say(f"Measuring {name} on {min(limit, len(held)):,} examples of the {part_name} part ...")
        held = held.to(model.device)
        about = {"run": str(run.path), "name": name, "recipe": recipe_of(run), "part": part_name}
        options = {"num_samples": num_samples, "limit": limit, "features": features, "num_new": num_new}
        found = _measure(groups, model, data, held, part_name, common.seed, options)
        columns.append({**about, "num_parameters": model.num_parameters, **found})
        flat = {k: v for group in groups for k, v in group_of(found, group).items()}
        panels.append(panel_of(name, model, held, results=flat, seed=common.seed))
    schema = opened[0].schema
    path = planned.write_figure(comparison(panels, schema))
    ranked = {f.key: _rank(columns, group, f) for group in groups for f in FIGURES[group] if f.better}
    facts: dict[str, Any] = {
        "runs": columns,
        "output": path,
        "best": {key: [names[i] for i in r.best] for key, r in ranked.items() if r.best},
        "not_ranked": {key: list(r.differing) for key, r in ranked.items() if r.differing},
    }
    return Answer(
        facts | ({"note": same} if same else {}), lambda: _view(facts, names, groups, ranked, schema, same)
    )


def group_of(results: dict[str, Any], group: str) -> dict[str, Any]:
    """The figures of a group, with their protocol; those of the likelihood stand at the top."""
    return results if group == "likelihood" else results.get(group, {})


def _measure(
    groups: Sequence[str],
    model: Model,
    data: Dataset,
    held: Part,
    name: str,
    seed: int,
    options: dict[str, Any],
) -> dict[str, Any]:
    from vaekit.evaluation import evaluate

    found: dict[str, Any] = {}
    for group in groups:
        if group == "likelihood":
            found |= evaluate(
                model, held, num_samples=options["num_samples"], seed=seed, limit=options["limit"],
                reference=data.train.to(model.device), name=name,
            )  # fmt: skip
        else:
            found[group] = measure(
                group, model, data, held, name, limit=options["limit"], seed=seed, options=options
            )
    return found


def _rank(columns: list[dict[str, Any]], group: str, figure: Figure) -> Any:
    from vaekit.evaluation import rank

    return rank([group_of(c, group) for c in columns], figure.key, higher=figure.better > 0)


def _view(
    facts: dict[str, Any],
    names: list[str],
    groups: Sequence[str],
    ranked: dict[str, Any],
    schema: Any,
    same: str,
) -> list[Any]:
    """One table of all figures, the best marked, and what is to be said about them."""
    columns = facts["runs"]
    rows: list[tuple[str, ...]] = [("recipe", *(c["recipe"] for c in columns))]
    for figure in (f for group in groups for f in FIGURES[group]):
        group = next(g for g in groups if figure in FIGURES[g])
        cells = [shown(group_of(c, group), figure.key) for c in columns]
        best = ranked[figure.key].best if figure.key in ranked else ()
        cells = [f"{cell} {BEST if i in best else ' '}" if cell else "" for i, cell in enumerate(cells)]
        better = {1: ", higher is better", -1: ", lower is better", 0: ""}[figure.better]
        if any(cells):
            rows.append((figure.text + better, *cells))
    rows.append(("weights", *(f"{c['num_parameters']:,}  " for c in columns)))
    first = group_of(columns[0], groups[0])
    counted = first.get("n") or first.get("protocol", {}).get("n", 0)
    title = f"{schema.name}, {counted:,} examples of the {columns[0]['part']} part"
    if "likelihood" in groups:
        title += f", {first['unit']}, K = {max(c.get('num_samples') or 0 for c in columns)}"
    made: list[Any] = [table(f"{title}; ± one standard error [95 % interval]", ("", *names), rows,
                             numbers=range(1, 1 + len(columns)))]  # fmt: skip
    said: dict[str, list[str]] = {}
    for column in columns:
        said.setdefault(column.get("note") or "", []).append(column["name"])
    notes = [
        note if len(of) == len(columns) else f"{', '.join(of)}: {note}" for note, of in said.items() if note
    ]
    texts = {f.key: f.text for group in groups for f in FIGURES[group]}
    refused = refusals({texts[key]: names for key, names in facts["not_ranked"].items()})
    legend = [LEGEND] if facts["best"] else []
    return [*made, *legend, *refused, *([same] if same else []), *notes, f"Picture: {facts['output']}"]


def names_of(runs: list[Run]) -> list[str]:
    """The runs' names; their paths where two have the same."""
    names = [run.name for run in runs]
    return names if len(set(names)) == len(names) else [str(run.path) for run in runs]


def require_same_data(runs: list[Run]) -> str:
    """A note where the runs saw the same data in another split or form; empty where all is the same.

    Raises:
        UserError: the examples themselves differ in shape, so nothing can be compared.
    """
    first = runs[0]
    for run in runs[1:]:
        if run.schema.shape != first.schema.shape or run.schema.kind != first.schema.kind:
            raise UserError(
                f"{first.name} was trained on {first.schema.name} {first.schema.shape} and {run.name} on "
                f"{run.schema.name} {run.schema.shape}; compare runs on the same data."
            )
    sources = [run.config.get("data", {}) for run in runs]
    if any(source != sources[0] for source in sources):
        keys = sorted(
            {k for s in sources for k in s if s.get(k) != sources[0].get(k)}
            | {k for s in sources for k in sources[0] if s.get(k) != sources[0].get(k)}
        )
        return f"Careful: the runs' data differ in {', '.join(keys)}; they may not be measured on the same examples."
    return ""
