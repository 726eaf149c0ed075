"""Annealed importance sampling: log p(x) by a route of its own, as a check of the importance-weighted estimate."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch
from torch import Size, Tensor
from torch.distributions import Distribution

from vaekit.conditional import SUPPORTS, Posterior, Prior, is_exact
from vaekit.distributions.leapfrog import LogDensity
from vaekit.errors import UserError
from vaekit.evaluation.chunks import batches_of, chunk_sizes, evaluating
from vaekit.evaluation.hmc import hmc_step
from vaekit.evaluation.likelihood import ImportanceSum, Nll

if TYPE_CHECKING:
    from vaekit.data.dataset import Part
    from vaekit.model import Model

ACCEPTANCE = 0.65
"""Share of accepted trajectories that is most efficient. Neal, 2011, section 5.4.4."""
GAIN = 0.3
"""How far one temperature may move the logarithm of the step size during the warm-up."""
GRAPH = 6
"""Times as much memory as a pass without gradients takes."""

Schedule = Literal["sigmoid", "linear"]


@dataclass(frozen=True)
class Ais(Nll):
    """-log p(x) of each example by annealed importance sampling; `ess` and `num_samples` count chains.

    Args:
        acceptance: mean acceptance of the trajectories, at the frozen step sizes; near 0.65 they were right.
    """

    acceptance: float


def ais(
    model: Model,
    part: Part,
    *,
    num_chains: int = 16,
    num_temperatures: int = 500,
    num_leapfrog: int = 10,
    num_warmup: int | None = None,
    start: Literal["prior", "posterior"] = "prior",
    schedule: Schedule = "sigmoid",
    double: bool = False,
    seed: int = 0,
    batch_size: int | None = None,
) -> Ais:
    """-log p(x) by annealed importance sampling with HMC. Wu et al., "On the Quantitative Analysis of Decoder-Based
    Generative Models", 2017; Neal, "Annealed Importance Sampling", 2001.

    Chains walk from f_0 = p(z), or q(z|x), to f_1 = p(z) p(x|z) through f_0^(1-b) f_1^b. Like importance sampling it
    gives a lower bound of log p(x) on average; from the prior it does not use q(z|x) at all, so that the two err
    independently. Step sizes adapt, for each example, in a first walk whose weights are thrown away, and are frozen in
    the walk that counts: adapting there would bias the weights.

    Args:
        model: a model with continuous z in R^D and a posterior density.
        part: the data, N examples.
        num_chains: chains C for each example.
        num_temperatures: steps of the path, each with one trajectory.
        num_leapfrog: leapfrog steps of a trajectory.
        num_warmup: temperatures of the first walk; a quarter of `num_temperatures` when None.
        start: where the chains begin.
        schedule: how b rises; "sigmoid" (Wu et al.) is finest at both ends.
        double: compute in float64.
        seed: of all draws.
        batch_size: examples at a time; chosen to fit the memory of a chunk when None.

    Raises:
        UserError: a deterministic posterior, codes that no gradient moves, or counts below 1.
    """
    model.require_density("likelihood")
    num_warmup = max(10, num_temperatures // 4) if num_warmup is None else num_warmup
    if min(num_chains, num_temperatures, num_leapfrog, num_warmup) < 1:
        raise UserError("Chains, temperatures, leapfrog steps and warm-up of AIS are at least 1.")
    require_real(model)
    require_exact(model, start)
    model = copy.deepcopy(model).double() if double else model
    values, ess, accepted = [], [], []
    with evaluating(model, seed):
        size = batch_size or max(1, chunk_sizes(model, part, num_chains)[0] // GRAPH)
        for x, y in batches_of(part, model, size):
            path = Path(model, x, y, start)
            walk = anneal(path, num_chains, temperatures(num_warmup, schedule), num_leapfrog, None)
            sizes = interpolated(walk.step_sizes, num_temperatures)
            walk = anneal(path, num_chains, temperatures(num_temperatures, schedule), num_leapfrog, sizes)
            weights = ImportanceSum(len(x))
            weights.add(walk.log_w)
            values.append(-weights.log_evidence)
            ess.append(weights.ess)
            accepted.append(walk.acceptance * len(x))
    return Ais(torch.cat(values), torch.cat(ess), num_chains, sum(accepted) / len(part))


class Path:
    """The densities between the start and p(x, z): log f_b(z) = log f_0(z) + b (log p(x, z) - log f_0(z))."""

    def __init__(self, model: Model, x: Tensor, y: Tensor | None, start: str) -> None:
        self.model, self.x, self.y = model, x, y
        self.qz: Distribution | None = model.encode(x, y) if start == "posterior" else None

    def draw(self, num_chains: int) -> Tensor:
        """z ~ f_0, (C, B, *latent)."""
        if self.qz is not None:
            return self.qz.sample((num_chains,))
        num, y = len(self.x), self.y
        given = None if y is None else y.repeat(num_chains, *[1] * (y.ndim - 1))
        z = self.model.draw_prior(num_chains * num, given)
        return z.unflatten(0, (num_chains, num))

    def parts(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """log f_0 and log f_1 - log f_0, each (C, B)."""
        log_pz = self.model.log_prior(z, self.y)
        log_px = self.model.decode(z, self.y).log_prob(self.x)
        if self.qz is None:
            return log_pz, log_px
        log_qz = self.qz.log_prob(z)
        return log_qz, log_pz + log_px - log_qz

    def at(self, b: float, shape: Size) -> LogDensity:
        """log f_b of codes (C, B, D) that are of `shape` in the model."""

        def log_density(z: Tensor) -> Tensor:
            first, ratio = self.parts(z.view(shape))
            return first + b * ratio

        return log_density


def require_real(model: Model) -> None:
    """Refuse codes that HMC cannot move: discrete ones, or ones bound to a sphere."""
    parts = [m for m in model.modules() if isinstance(m, Posterior)]
    kinds = {getattr(part, "support", "real") for part in parts} - {"real"}
    if kinds:
        raise UserError(
            f"AIS moves z by gradients through all of R^D; codes here are {', '.join(SUPPORTS[k] for k in kinds)}. Its "
            "likelihood comes from importance sampling: evaluate without AIS."
        )


def require_exact(model: Model, start: str) -> None:
    """Refuse densities that are estimated anew at every call: trajectories need the same surface all along."""
    if not is_exact(model, Prior):
        raise UserError(
            "AIS needs log p(z), and this model's prior only estimates it; evaluate without AIS, or fit another prior."
        )
    if start == "posterior" and not is_exact(model, Posterior):
        raise UserError('AIS from the posterior needs log q(z|x) at any z, which is not known here; use start="prior".')


@dataclass
class Walk:
    """What `anneal` returns: log-weights (C, B), the step sizes of each temperature, mean acceptance."""

    log_w: Tensor
    step_sizes: Tensor
    acceptance: float


def anneal(
    path: Path, num_chains: int, betas: list[float], num_leapfrog: int, step_sizes: Tensor | None
) -> Walk:
    """One walk along the path.

    Args:
        path: the densities.
        num_chains: chains C for each example.
        betas: 0 = b_0 < ... < b_T = 1.
        num_leapfrog: leapfrog steps of a trajectory.
        step_sizes: (T - 1, B), frozen; adapted to the acceptance on the way when None.
    """
    z = path.draw(num_chains)
    flat = z.shape
    z = z.flatten(2)
    log_w = torch.zeros(z.shape[:2], dtype=torch.float64)
    size = z.new_full((z.shape[1],), 0.5 / math.sqrt(num_leapfrog))
    used, accepted = [], []
    for t in range(1, len(betas)):
        ratio = path.parts(z.view(flat))[1]
        log_w += (betas[t] - betas[t - 1]) * ratio.cpu().double()
        if t == len(betas) - 1:
            break  # where a chain goes after the last weight is of no matter
        density = path.at(betas[t], flat)
        if step_sizes is not None:
            size = step_sizes[t - 1]
        z, accept = hmc_step(density, z, size.unsqueeze(-1), num_leapfrog)
        accepted.append(accept.mean())
        used.append(size)
        if step_sizes is None:
            size = size * (GAIN * (accept.mean(0) - ACCEPTANCE) / ACCEPTANCE).exp()
    mean = float(torch.stack(accepted).mean()) if accepted else math.nan
    return Walk(log_w, torch.stack(used) if used else size.unsqueeze(0), mean)


def temperatures(num: int, schedule: Schedule = "sigmoid") -> list[float]:
    """0 = b_0 < ... < b_num = 1; the sigmoid's half-width 4 is that of Wu et al.

    Example:
        >>> temperatures(4, "linear")
        [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    steps = torch.linspace(0, 1, num + 1, dtype=torch.float64)
    if schedule == "sigmoid":
        steps = torch.sigmoid(4 * (2 * steps - 1))
        steps = (steps - steps[0]) / (steps[-1] - steps[0])
    return steps.tolist()


def interpolated(step_sizes: Tensor, num_temperatures: int) -> Tensor:
    """Step sizes (S, B) of a short walk at the temperatures of a longer one, (num_temperatures - 1, B)."""
    where = torch.linspace(0, len(step_sizes) - 1, max(num_temperatures - 1, 1), device=step_sizes.device)
    low = where.long().clamp(max=len(step_sizes) - 1)
    high = (low + 1).clamp(max=len(step_sizes) - 1)
    share = (where - low).to(step_sizes.dtype).unsqueeze(-1)
    return step_sizes[low] * (1 - share) + step_sizes[high] * share
