"""vaekit evaluate: the figures of a run on held-out data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from vaekit.cli.answer import Answer, estimate, pairs, say, speaks, table
from vaekit.cli.common import Common, Force, shared_out
from vaekit.cli.figures import FIGURES, groups_of, measure, protocol_line, shown
from vaekit.cli.inputs import PartName, held_out, load_model, open_run
from vaekit.cli.output import Output
from vaekit.errors import UserError

if TYPE_CHECKING:
    from vaekit.data import Dataset, Part
    from vaekit.model import Model
    from vaekit.run import Run

EXAMPLE = "vaekit evaluate runs/digits-1 --num-samples 1000 --metrics likelihood,latents,samples"
KS = (1, 5, 50, 500, 5000)
Flag = Annotated[bool, Parameter(negative=(), show_default=False)]


@shared_out
def evaluate(
    run: str,
    /,
    *,
    metrics: str = "likelihood",
    num_samples: Annotated[int, Parameter(alias="-k")] = 100,
    part: PartName | None = None,
    limit: int | None = None,
    bound: Flag = False,
    ais: Flag = False,
    chains: int = 16,
    temperatures: int = 500,
    ais_limit: int = 100,
    dequantize: Flag = False,
    features: Literal["auto", "classifier", "autoencoder", "pca"] = "auto",
    num_new: int = 5000,
    output: Annotated[str | None, Parameter(alias="-o")] = None,
    force: Force = False,
    common: Common = Common(),  # noqa: B008
) -> Answer:
    """Measure a run: likelihood and its bounds, what codes tell, how good samples are, disentanglement.

    Every group of figures states its protocol. Figures of different protocols do not compare.

    Args:
        run: a run folder, or a name in runs/.
        metrics: likelihood, latents, samples, disentanglement, several with commas between them, or all.
        num_samples: draws K of z for each example; more make -log p(x) tighter.
        part: test, valid or train. [default: test, where there is one]
        limit: measure a random subset of this many examples. [default: all]
        bound: the bound against K, for K = 1, 5, 50, ... up to --num-samples.
        ais: check -log p(x) by annealed importance sampling, on a small subset.
        chains: chains of --ais for each example.
        temperatures: steps of the path of --ais.
        ais_limit: examples of --ais.
        dequantize: bits per dimension of integer data under a density, by uniform dequantization.
        features: what samples are compared by: a network trained on the data's labels or as an autoencoder, or pca.
        num_new: new samples that are compared with the data.
        output: a folder for pictures: the bound against K, samples and their nearest training examples.
    """
    from vaekit.evaluation.together import together

    groups = groups_of(metrics)
    if num_samples < 0 or (limit is not None and limit < 1):
        raise UserError("--num-samples is at least 0 and --limit at least 1.")
    if min(chains, temperatures, ais_limit, num_new) < 1:
        raise UserError("--chains, --temperatures, --ais-limit and --num-new are at least 1.")
    if bound and num_samples < 1:
        raise UserError("--bound needs --num-samples of at least 1.")
    pictures = {"bound": bound, "neighbours": "samples" in groups}
    planned = {
        name: Output.plan(f"{output}/{name}.png", "", (".png",), force=force)
        for name, wanted in pictures.items()
        if output is not None and wanted
    }
    opened = open_run(run)
    model, data = load_model(opened, common.device), opened.load_data()
    name, held = held_out(data, part)
    held = held.to(model.device)
    say(f"Measuring {opened.name} on {min(limit or len(held), len(held)):,} examples of the {name} part ...")
    facts: dict[str, Any] = {"run": str(opened.path), "part": name}
    with together(model):
        if "likelihood" in groups:
            facts |= _likelihood(model, held, name, num_samples, limit, common.seed, dequantize)
        if bound:
            facts["bound"] = _bound(model, held, num_samples, limit, common.seed)
    if ais:
        say("Annealed importance sampling ...")
        facts["ais"] = _ais(model, held, name, num_samples, chains, temperatures, ais_limit, common.seed)
    for group in groups:
        if group == "likelihood":
            continue
        say(f"Measuring {group} ...")
        options = {"features": features, "num_new": num_new}
        facts[group] = measure(group, model, data, held, name, limit=limit, seed=common.seed, options=options)
    facts |= {"outputs": _draw(planned, facts, opened, model, data, held, common.seed)} if planned and speaks() else {}
    return Answer(facts, lambda: _view(facts, opened, name))


def _likelihood(
    model: Model, held: Part, name: str, num_samples: int, limit: int | None, seed: int, dequantize: bool
) -> dict[str, Any]:
    from vaekit.evaluation import dequantized_bpd
    from vaekit.evaluation import evaluate as measure_likelihood
    from vaekit.evaluation.chunks import subset

    results = measure_likelihood(model, held, num_samples=num_samples, seed=seed, limit=limit, name=name)
    if dequantize:
        few = subset(held, limit, seed)
        results |= dequantized_bpd(model, few, num_samples=max(num_samples, 1), seed=seed)
    return results


def _bound(model: Model, held: Part, num_samples: int, limit: int | None, seed: int) -> dict[str, Any]:
    from vaekit.evaluation import bound_vs_samples
    from vaekit.evaluation.chunks import subset

    ks = [k for k in KS if k < num_samples] + [num_samples]
    return bound_vs_samples(model, subset(held, limit, seed), ks, seed=seed).to_dict()


def _ais(
    model: Model,
    held: Part,
    name: str,
    num_samples: int,
    chains: int,
    temperatures: int,
    limit: int,
    seed: int,
) -> dict[str, Any]:
    from vaekit.evaluation import ais_check

    return ais_check(
        model, held, limit=limit, num_samples=max(num_samples, 1), num_chains=chains, num_temperatures=temperatures,
        seed=seed, name=name,
    )  # fmt: skip


def _draw(
    planned: dict[str, Output],
    facts: dict[str, Any],
    run: Run,
    model: Model,
    data: Dataset,
    held: Part,
    seed: int,
) -> list[str]:
    """The pictures that were asked for."""
    from vaekit.plots import bound, neighbour_panel

    written = []
    if "bound" in planned:
        figure = bound({run.name: facts["bound"]}, name=data.schema.name)
        written.append(planned["bound"].write_figure(figure))
    if "neighbours" in planned:
        ratio = facts["samples"]["nearest_ratio"]
        note = f"Mean distance over that of held-out examples: {ratio:.2f}."
        written.append(
            planned["neighbours"].write_figure(neighbour_panel(model, data.train, seed=seed, note=note))
        )
    return written


def _view(facts: dict[str, Any], run: Run, name: str) -> list[object]:
    """Tables and sentences."""
    made: list[object] = []
    where = f"{run.path}, {name} part"
    if "elbo" in facts:
        rows = [(f.key, shown(facts, f.key)) for f in FIGURES["likelihood"]]
        rows += [(key, estimate(facts, key)) for key in ("num_units", "num_samples", "n", "n_total")]
        title = f"{where}, {facts['unit']}; ± one standard error [95 % interval]"
        made += [pairs(title, dict(rows)), protocol_line(facts["protocol"])]
        made += [facts["note"]] if facts.get("note") else []
        made += [f"Bits per dimension: {facts['bits_per_dim_how']}."] if "bits_per_dim_how" in facts else []
    if "bound" in facts:
        curve = facts["bound"]
        lines = [
            (f"{k:,}", shown({"b": b, "b_se": e, "b_interval": i}, "b"))
            for k, b, e, i in zip(
                curve["ks"], curve["bound"], curve["bound_se"], curve["bound_interval"], strict=True
            )
        ]
        made.append(table("bound on log p(x) against the number of draws, nats", ("K", "bound"), lines))
    if "ais" in facts:
        made += _view_ais(facts["ais"])
    for group in ("latents", "samples", "disentanglement"):
        if group in facts:
            found = {f.text: shown(facts[group], f.key) for f in FIGURES[group]}
            made += [pairs(f"{where}: {group}", found), protocol_line(facts[group]["protocol"])]
    return [*made, *(f"Picture: {path}" for path in facts.get("outputs", []))]


def _view_ais(found: dict[str, Any]) -> list[object]:
    low, high = found["difference_interval"]
    rows = {
        "annealed": f"{found['ais_nll']:.3f} ± {found['ais_nll_sampling_error']:.3f}",
        "importance": f"{found['importance_nll']:.3f} ± {found['importance_nll_sampling_error']:.3f}",
        "difference": f"{found['difference']:.3f} [{low:.3f}, {high:.3f}]",
    }
    lower = "importance sampling misses" if found["difference"] < 0 else "the path of AIS is too short for"
    said = (
        "They agree."
        if found["agree"]
        else f"They do not agree: {lower} a part of p(z|x); the lower one is closer."
    )
    title = (
        f"-log p(x) of the same {found['protocol']['n']} examples by two routes, nats; ± error of the draws"
    )
    return [pairs(title, rows), said, protocol_line(found["protocol"])]
