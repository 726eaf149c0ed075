"""vaekit fit-prior: a better prior for a trained run, fitted to its codes."""

from __future__ import annotations

from typing import Annotated, Literal

from cyclopts import Parameter

from vaekit.cli.answer import Answer, estimate, pairs
from vaekit.cli.common import Common
from vaekit.cli.inputs import open_run

EXAMPLE = "vaekit fit-prior runs/digits-1 --kind mixture -n 10"
SHOWN = ("elbo", "nll", "rate", "distortion", "mse")


def fit_prior(
    run: str,
    /,
    *,
    kind: Literal["mixture", "flow", "vae", "autoregressive"] | None = None,
    num_components: Annotated[int, Parameter(alias="-n")] = 10,
    flow: Literal["realnvp", "spline", "maf", "iaf"] = "realnvp",
    epochs: int = 50,
    output: Annotated[str | None, Parameter(alias="-o")] = None,
    common: Common = Common(),  # noqa: B008
) -> Answer:
    """Fit a prior to the codes of a trained run, so that its samples look like its data. Makes a new run.

    An autoencoder learns to make new data this way. Encoder and decoder stay as they are.

    Args:
        run: a run folder, or a name in runs/.
        kind: mixture of Gaussians, flow, a second VAE, or autoregressive for the codes of a vector-quantized model.
            [default: mixture; autoregressive for codes]
        num_components: Gaussians of the mixture.
        flow: the kind of flow.
        epochs: passes over the codes at most, for any prior but a mixture.
        output: the new run folder. [default: RUN-KIND]
    """
    from vaekit.cli.inputs import load_model
    from vaekit.refitting import refit

    opened = open_run(run)
    if kind is None:
        posterior = getattr(load_model(opened, "cpu"), "posterior", None)
        kind = "autoregressive" if getattr(posterior, "support", "real") == "codes" else "mixture"
    new = refit(
        opened, kind, out=output, num_components=num_components, flow=flow, epochs=epochs, seed=common.seed,
        device=common.device, quiet=common.json,
    )  # fmt: skip
    results, before = new.results, opened.results
    facts = {"run": str(new.path), "from": str(opened.path), "kind": kind, "results": results, "before": before}

    def view() -> list[object]:
        figures = {
            name: f"{estimate(results, name)}   before {estimate(before, name)}"
            for name in SHOWN
            if estimate(results, name)
        }
        return [pairs(f"{new.path}, {kind} prior", figures), f"See new samples: vaekit sample {new.path}"]

    return Answer(facts, view)
