"""vaekit compare: runs side by side, as one table and one picture."""

from __future__ import annotations

from typing import Annotated, Any

from cyclopts import Parameter

from vaekit.cli.answer import Answer, estimate, say, table
from vaekit.cli.common import Common, Force
from vaekit.cli.inputs import PartName, held_out, load_model, open_run
from vaekit.cli.output import Output
from vaekit.cli.show import recipe_of
from vaekit.errors import UserError
from vaekit.run import Run

EXAMPLE = "vaekit compare runs/digits-1 runs/digits-2 -o both.png"
FIGURES = {
    "elbo": "ELBO, higher is better",
    "nll": "-log p(x), lower is better",
    "bits_per_dim": "bits per dimension",
    "rate": "rate, KL(q(z|x) || p(z))",
    "distortion": "distortion, -log p(x|z)",
    "mse": "reconstruction, mean squared error",
    "frechet_pca64": "Fréchet distance of new samples (64 PCs)",
    "frechet_pca64_data": "... of training data, the floor",
    "active_units": "active latent dimensions",
    "num_parameters": "weights",
}


def compare(
    *runs: str,
    output: Annotated[str | None, Parameter(alias="-o")] = None,
    num_samples: Annotated[int, Parameter(alias="-k")] = 100,
    part: PartName | None = None,
    limit: int = 1000,
    force: Force = False,
    common: Common = Common(),  # noqa: B008
) -> Answer:
    """Measure runs on the same held-out examples, and draw them side by side.

    Args:
        runs: two or more run folders, or names in runs/.
        output: a .png for the picture. [default: the next free comparison.png]
        num_samples: draws K of z for each example.
        part: test, valid or train. [default: test, where there is one]
        limit: measure a random subset of this many examples, the same for every run.
    """
    if len(runs) < 2:
        raise UserError(f"compare takes two runs or more; {len(runs)} came. For one, use `vaekit evaluate`.")
    if num_samples < 0 or limit < 1:
        raise UserError("--num-samples is at least 0 and --limit at least 1.")
    planned = Output.plan(output, "comparison.png", (".png",), force=force)
    opened = [open_run(run) for run in runs]
    names = names_of(opened)
    same = require_same_data(opened)
    from vaekit.evaluation import evaluate
    from vaekit.plots import comparison, panel_of

    panels, columns = [], []
    for run, name in zip(opened, names, strict=True):
        model, data = load_model(run, common.device), run.load_data()
        part_name, held = held_out(data, part)
        say(f"Measuring {name} on {min(limit, len(held)):,} examples of the {part_name} part ...")
        held = held.to(model.device)
        reference = data.train.to(model.device)
        results = evaluate(
            model, held, num_samples=num_samples, seed=common.seed, limit=limit, reference=reference
        )  # fmt: skip
        about = {"run": str(run.path), "name": name, "recipe": recipe_of(run), "part": part_name}
        columns.append({**about, "num_parameters": model.num_parameters, **results})
        panels.append(panel_of(name, model, held, results=results, seed=common.seed))
    schema = opened[0].schema
    path = planned.write_figure(comparison(panels, schema))

    def view() -> list[Any]:
        rows = [(text, *(estimate(c, key) for c in columns)) for key, text in FIGURES.items()]
        rows = [row for row in rows if any(row[1:])]
        first = columns[0]
        title = (
            f"{schema.name}, {first['n']:,} examples of the {first['part']} part, {first['unit']}, "
            f"K = {num_samples}; ± one standard error"
        )
        recipes = ("recipe", *(c["recipe"] for c in columns))
        made: list[Any] = [table(title, ("", *names), [recipes, *rows], numbers=range(1, 1 + len(columns)))]
        said: dict[str, list[str]] = {}
        for column in columns:
            said.setdefault(column.get("note") or "", []).append(column["name"])
        notes = [note if len(of) == len(columns) else f"{', '.join(of)}: {note}" for note, of in said.items() if note]
        return [*made, *([same] if same else []), *notes, f"Picture: {path}"]

    facts: dict[str, Any] = {"runs": columns, "output": path}
    return Answer(facts | ({"note": same} if same else {}), view)


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
            raise UserError(f"{first.name} was trained on {first.schema.name} {first.schema.shape} and {run.name} on "
                            f"{run.schema.name} {run.schema.shape}; compare runs on the same data.")
    sources = [run.config["data"] for run in runs]
    if any(source != sources[0] for source in sources):
        keys = sorted({k for s in sources for k in s if s.get(k) != sources[0].get(k)} | {
            k for s in sources for k in sources[0] if s.get(k) != sources[0].get(k)
        })
        return f"Careful: the runs' data differ in {', '.join(keys)}, so the figures are not of the same examples."
    return ""
