"""Watch: says in words when a training goes wrong in one of the known ways, and what to try."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from vaekit.likelihoods.scale import MIN_SCALE, FittedScale, Scale
from vaekit.ranks import full

if TYPE_CHECKING:
    from vaekit.data import Part
    from vaekit.model import Model

DEAD_LAYER = 0.05  # nats that a layer of a hierarchy carries at least while it is alive
COLLAPSED = 0.1  # nats that a whole model carries at least
NEAR_FLOOR = 1.5  # times the smallest spread
HOLES = 0.2  # share of prior draws that may lie where no example does; 0.01 where prior and codes agree
EARLY = 0.25  # share of the epochs before which nothing is judged
NUM_CODES = 2000
ROWS = 250


class Watch:
    """Looks at a training after every epoch and speaks once about each thing that it sees."""

    def __init__(self) -> None:
        self.said: set[str] = set()

    def look(self, model: Model, record: dict[str, Any], num_epochs: int) -> list[str]:
        """New warnings after an epoch, in words."""
        if record["epoch"] < EARLY * num_epochs:
            return []
        terms = record["valid"] or record["train"]
        found = collapse(terms) | floors(model)
        fresh = [sentence for key, sentence in found.items() if key not in self.said]
        self.said |= set(found)
        return fresh


def collapse(terms: dict[str, float]) -> dict[str, str]:
    """Layers, or the whole latent code, that carry nothing."""
    if "rate" not in terms:
        return {}
    if terms["rate"] < COLLAPSED:
        return {
            "rate": f"Posterior collapse: the latent code carries {terms['rate']:.2f} nats, so the decoder ignores it. "
            "Try KL warm-up (ELBO(beta=Linear(epochs=10))), free bits (ELBO(free_bits=0.1)), or a weaker decoder."
        }
    layers = {name: value for name, value in terms.items() if name.startswith("rate_")}
    dead = [name.removeprefix("rate_") for name, value in layers.items() if value < DEAD_LAYER]
    if dead:
        which = f"Latent layer {dead[0]}" if len(dead) == 1 else f"Latent layers {', '.join(dead)}"
        carry = "carries" if len(dead) == 1 else "carry"
        return {
            f"layers {dead}": f"{which} of {len(layers)}, counted from the top, {carry} less than "
            f"{DEAD_LAYER} nats. Try "
            "a longer KL warm-up, free bits, or fewer layers."
        }
    return {}


@torch.no_grad()
def floors(model: Model) -> dict[str, str]:
    """Spreads of the likelihood that have shrunk to the smallest value they may take."""
    for module in model.likelihood.modules():
        if isinstance(module, Scale) and not module.is_fixed and not module.num_params:
            spread, floor = full(module()).min(), module.minimum
        elif isinstance(module, FittedScale) and bool(module.num_batches):
            spread, floor = module().min(), MIN_SCALE
        else:
            continue
        if float(spread) < NEAR_FLOOR * floor:
            return {
                "floor": f"The likelihood's spread has hit its floor ({float(spread):.2g}): some values are reproduced "
                "exactly, and the bound grows without meaning. Leave constant values out, dequantize integer data "
                "(or use DiscretizedLogistic), or fix the scale."
            }
    return {}


@torch.no_grad()
def holes(model: Model, part: Part) -> tuple[float, str | None]:
    """The share of prior draws that lie where no example's code does, and a warning where it is large.

    "Where no example does" is farther from the nearest code than 99 % of the codes are from theirs.
    """
    index = part.order()[: 2 * NUM_CODES]
    x, y = part.batch(index)
    codes = model.embed(x, y, sample=True).flatten(1).double()
    z = model.draw_prior(len(codes) // 2, None if y is None else y[: len(codes) // 2]).flatten(1).double()
    near, far = codes[: len(codes) // 2], codes[len(codes) // 2 :]
    limit = _to_nearest(near, far).quantile(0.99)
    share = float((_to_nearest(z, far) > limit).double().mean())
    if share <= HOLES:
        return share, None
    return share, (
        f"Of draws from the prior, {share:.0%} lie where no example's code does, and decode to little that is like the "
        "data. Fit a prior to the codes: vaekit fit-prior RUN, or fit_prior(model, part)."
    )


def _to_nearest(points: torch.Tensor, others: torch.Tensor) -> torch.Tensor:
    """Distance of each point to the nearest of the others; few rows of the table of distances exist at a time."""
    return torch.cat([torch.cdist(rows, others).min(1).values for rows in points.split(ROWS)])
