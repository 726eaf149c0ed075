"""vaekit evaluate: the figures of a run on held-out data."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from vaekit.cli.answer import Answer, estimate, pairs, say
from vaekit.cli.common import Common
from vaekit.cli.inputs import PartName, held_out, load_model, open_run
from vaekit.errors import UserError

EXAMPLE = "vaekit evaluate runs/digits-1 --num-samples 1000"
SINGLE = ("bits_per_dim", "psnr", "active_units", "num_units", "ess", "num_samples", "n", "n_total")
WITH_ERRORS = ("elbo", "nll", "rate", "distortion", "mse")


def evaluate(
    run: str,
    /,
    *,
    num_samples: Annotated[int, Parameter(alias="-k")] = 100,
    part: PartName | None = None,
    limit: int | None = None,
    common: Common = Common(),  # noqa: B008
) -> Answer:
    """Measure a run: ELBO, -log p(x) by importance sampling, rate, distortion, reconstruction, active units.

    Args:
        run: a run folder, or a name in runs/.
        num_samples: draws K of z for each example; more make -log p(x) tighter.
        part: test, valid or train. [default: test, where there is one]
        limit: measure a random subset of this many examples. [default: all]
    """
    from vaekit.evaluation import evaluate as measure

    if num_samples < 0 or (limit is not None and limit < 1):
        raise UserError("--num-samples is at least 0 and --limit at least 1.")
    opened = open_run(run)
    model = load_model(opened, common.device)
    name, held = held_out(opened.load_data(), part)
    say(f"Measuring {opened.name} on {min(limit or len(held), len(held)):,} examples of the {name} part ...")
    results = measure(model, held.to(model.device), num_samples=num_samples, seed=common.seed, limit=limit)
    results = {"run": str(opened.path), "part": name, **results}

    def view() -> list[object]:
        figures = {key: estimate(results, key) for key in (*WITH_ERRORS, *SINGLE)}
        title = f"{opened.path}, {name} part, {results['unit']}; ± one standard error"
        return [pairs(title, figures), *([results["note"]] if results.get("note") else [])]

    return Answer(results, view)
