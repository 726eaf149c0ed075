"""finish_run: what a run gets when its model is trained: the figures, the pictures, the model card."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

from vaekit.card import model_card
from vaekit.evaluation import evaluate
from vaekit.evaluation.table_similarity import table_similarity
from vaekit.files import write_atomic, write_json
from vaekit.plots import draw_run
from vaekit.synthesis import synthesize
from vaekit.training.watch import holes
from vaekit.weights import load_model

if TYPE_CHECKING:
    from vaekit.data import Dataset, Part
    from vaekit.model import Model
    from vaekit.run import Run
    from vaekit.training.report import Report

NLL_SAMPLES, NLL_EXAMPLES = 100, 1000
"""The likelihood after a training is a quick one, on a random subset; `vaekit evaluate` takes any number."""


MAX_ROWS = 20_000
MEASURED_IN_FILES = 100_000
"""Examples of a part in files that are measured after a training; `vaekit evaluate` takes all."""


def quality_of_samples(model: Model, part: Part) -> dict[str, float]:
    """Shape and trend error of as many new rows as a part has, beside that part."""
    real = part.in_memory(MAX_ROWS).raw.double().cpu().numpy()[:MAX_ROWS]
    found = table_similarity(real, synthesize(model, len(real)), part.schema.columns)
    return {"shape_error": found.shape_error, "trend_error": found.trend_error}


def finish_run(run: Run, data: Dataset, device: torch.device, report: Report) -> None:
    """Write results.json, plots/ and README.md of a run whose model is trained.

    Args:
        run: its `model.safetensors` is what is measured.
        data: measured on the test part, or the last part there is.
        device: where.
        report: says what is going on.
    """
    started = time.perf_counter()
    model = load_model(run.path, device)
    part_name = next((n for n in ("test", "valid", "train") if getattr(data, n) is not None), "train")
    report.say(f"Measuring on the {part_name} part ...")
    part = getattr(data, part_name).to(device)
    limit = None if part.is_held else MEASURED_IN_FILES
    results = {"part": part_name, **evaluate(model, part, num_samples=0, seed=0, limit=limit, name=part_name)}
    if model.is_density:
        tight = evaluate(model, part, num_samples=NLL_SAMPLES, seed=0, limit=NLL_EXAMPLES, name=part_name)
        taken = ("nll", "nll_se", "nll_interval", "num_samples", "ess", "bits_per_dim")
        results |= {k: tight[k] for k in taken if k in tight}
        results |= {"nll_n": tight["n"], "nll_protocol": tight["protocol"]}
    with torch.random.fork_rng(), torch.no_grad():
        torch.manual_seed(0)
        results["prior_holes"], warning = holes(model, part)
    if warning:
        results["warnings"] = [warning]
        report.say(f"Watch: {warning}")
    if data.schema.kind == "table":
        results |= quality_of_samples(model, part)
    draw_run(model, data, run.metrics(), run.path / "plots", seed=0, results=results)
    write_json(run.path / "results.json", results)
    write_atomic(run.path / "README.md", model_card(run, model, data, results).encode())
    seconds = time.perf_counter() - started
    report.say(f"Done in {seconds:.1f} s more. Look at {run.path / 'plots'} and {run.path / 'README.md'}.")
