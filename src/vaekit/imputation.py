"""impute: the missing cells of a table, drawn given the observed ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import torch
from torch import Tensor

from vaekit.conditional import is_exact
from vaekit.data.table_text import to_raw
from vaekit.errors import UserError
from vaekit.evaluation.chunks import evaluating
from vaekit.evaluation.conformal import interval
from vaekit.evaluation.hmc import hmc_step
from vaekit.model import VAE
from vaekit.nets.cells import Cells

if TYPE_CHECKING:
    from vaekit.model import Model

__all__ = ["Imputation", "impute"]

CHUNK = 4000
START = 16
"""Draws of z of which each row's first one is chosen by importance."""
STEP_SIZE, LEAPFROG, ACCEPTED = 0.4, 6, 0.75
"""Of Hamiltonian steps: the first size in spreads of q(z|x), leapfrog steps, and the acceptance that sizes aim at."""
HELD_ROWS, TIMES = 500, 4
"""Rows that calibrate intervals, and how often one of them may be taken with other cells hidden."""


@dataclass
class Imputation:
    """Filled rows.

    Args:
        filled: (N, C) in the table's own units: the mean of numbers and the likeliest category, by what p(x|z) says at
            the codes of all draws, which is less noisy than the draws themselves.
        draws: (M, N, C) draws of whole rows; observed cells are the same in all.
        missing: (N, C) where a cell was filled.
        held: draws (M, S) of S cells of numbers that were hidden in held-out rows, and what stood there, (S,).
    """

    filled: np.ndarray
    draws: np.ndarray
    missing: np.ndarray
    held: tuple[np.ndarray, np.ndarray] | None = None

    def interval(self, level: float = 0.9) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper ends, (N, C), between which so many of the draws of a cell lie; where there are `held` cells,
        stretched until they cover that share of those."""
        return interval(self.draws, level, self.held)

    def agreement(self) -> np.ndarray:
        """Share of the draws that agree with `filled`, (N, C): the probability of a filled category."""
        return (self.draws == self.filled).mean(0)


def impute(
    model: Model,
    raw: np.ndarray,
    *,
    num_draws: int = 50,
    method: Literal["chain", "sequential"] | None = None,
    num_steps: int = 20,
    calibration: np.ndarray | None = None,
    seed: int = 0,
) -> Imputation:
    """Missing cells of rows given their observed ones.

    "chain": draws of z from p(z|observed cells), then of the missing cells from p(x|z). A Markov chain a row, begun at
    the best of 16 codes by importance, takes in turn a code from q(z|observed cells), accepted by the exact ratio as in
    Mattei and Frellsen, "Leveraging the Exact Likelihood of Deep Latent Variable Models", 2018, and a Hamiltonian step:
    Neal, "MCMC Using Hamiltonian Dynamics", 2011. Exact in the long run for any encoder; what the encoder misses of how
    columns go together, the decoder knows.

    "sequential": every draw fills the cells in a random order, each from p(x|z) at a code of the row as far as it is
    filled, z ~ q(z|x). It needs an encoder that was trained on rows with holes (`TableEncoder(hide=...)`, as in the
    recipe `table`); after Ivanov et al., "Variational Autoencoder with Arbitrary Conditioning", 2019.

    Args:
        model: of a table.
        raw: (N, C) rows in the table's own units, NaN where missing.
        num_draws: draws that are kept, M.
        method: as above; by default chains for tables of which at least three in four columns are numbers, if the
            model's codes are real vectors with a density; else sequential, which is quicker.
        num_steps: steps of a chain before its first draw; steps in which a sequential draw is filled at most.
        calibration: rows that the model was not trained on, the validation part for example. Cells of them are hidden
            where rows of `raw` have holes, and how well they are filled decides how wide intervals are: a model of a
            few hundred rows is surer than it should be.
        seed: of the draws.

    Raises:
        UserError: no table, another number of columns, or an unknown method.
    """
    if method not in (None, "chain", "sequential"):
        raise UserError(f'method is "chain" or "sequential"; "{method}" came.')
    schema = model.schema
    if schema is None or schema.kind != "table":
        raise UserError("impute fills cells of a table, and this model was not trained on one.")
    if raw.ndim != 2 or raw.shape[1] != len(schema.columns):
        raise UserError(f"Rows have {len(schema.columns)} columns; an array of shape {raw.shape} came.")
    made, cells = _sampler(model, method), Cells(schema.cells()).to(model.device)
    missing, draws, filled = np.isnan(raw), np.repeat(raw[None], num_draws, 0), raw.copy()
    rows = np.flatnonzero(missing.any(1))
    with evaluating(model, seed):
        for index in np.array_split(rows, max(1, -(-len(rows) // CHUNK))) if len(rows) else []:
            x = torch.from_numpy((raw[index] - np.asarray(schema.offset)) / np.asarray(schema.scale))
            x = x.to(model.device, model.dtype)
            total = x.new_zeros(len(x), len(cells.owner))
            for m, (state, expectation) in enumerate(made(model, cells, x, num_draws, num_steps)):
                draws[m, index] = np.where(missing[index], to_raw(state, schema), raw[index])
                total += expectation
            guess = to_raw(cells.likeliest(total / num_draws), schema)
            filled[index] = np.where(missing[index], guess, raw[index])
    held = None
    if calibration is not None and len(calibration) and len(rows):
        truth, hidden = _hidden(calibration, missing[rows], seed)
        settings = {"num_draws": num_draws, "method": method, "num_steps": num_steps, "seed": seed}
        found = impute(model, np.where(hidden, np.nan, truth), **settings)  # type: ignore[arg-type]
        asked = hidden & ~np.isnan(truth) & [not column.is_category for column in schema.columns]
        held = found.draws[:, asked], truth[asked]
    return Imputation(filled, draws, missing, held)


def _hidden(rows: np.ndarray, patterns: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows, each several times where there are few, and which of their cells are hidden: where a row drawn from
    `patterns` has none."""
    random = np.random.default_rng(seed)
    truth = np.tile(random.permutation(rows), (TIMES, 1))[:HELD_ROWS]
    return truth, patterns[random.integers(len(patterns), size=len(truth))]


Drawn = tuple[Tensor, Tensor]
"""Filled rows (N, C), and what p(x|z) expects of their missing cells (N, E)."""


def _sequential(model: Any, cells: Cells, x: Tensor, num_draws: int, num_steps: int) -> Iterator[Drawn]:
    """Draws of all rows, one by one, each independent of the others."""
    gone = x.isnan()
    most = int(gone.sum(1).max())
    steps = min(num_steps, most)
    for _ in range(num_draws):
        state, expectation = x.clone(), x.new_zeros(len(x), len(cells.owner))
        order = torch.rand_like(x).masked_fill(~gone, 2.0).argsort(1).argsort(1)  # missing cells come first
        turn = (order * steps // most).masked_fill(~gone, steps)
        for step in range(steps):
            now = turn == step
            rows = now.any(1).nonzero().squeeze(1)  # others are filled already, or have no cell to fill now
            px, now = model.decode(model.encode(state[rows]).sample()), now[rows]
            state[rows] = torch.where(now, px.complete(), state[rows])
            expectation[rows] = torch.where(now[:, cells.owner], px.expectation, expectation[rows])
        yield state, expectation


def _chain(model: Any, cells: Cells, x: Tensor, num_draws: int, burn_in: int) -> Iterator[Drawn]:
    """Draws of all rows, steps of one Markov chain a row."""
    gone, qz = x.isnan(), model.encode(x)
    start = qz.sample((START,))
    log_w = _log_joint(model, x, start) - qz.log_prob(start)
    chosen = torch.distributions.Categorical(logits=log_w.T).sample()  # (N,)
    z = start[chosen, torch.arange(len(x), device=x.device)]
    spread = start.std(0) + 1e-6  # the units of steps, which it leaves free whatever q(z|x) is
    size = torch.full_like(spread[:, :1], STEP_SIZE)
    for step in range(burn_in + num_draws):
        proposal = qz.sample()
        log_ratio = _log_joint(model, x, proposal) - _log_joint(model, x, z)
        log_ratio = log_ratio + qz.log_prob(z) - qz.log_prob(proposal)
        z = torch.where((torch.rand_like(log_ratio).log() < log_ratio).unsqueeze(-1), proposal, z)
        varied = size * (0.7 + 0.6 * torch.rand_like(size))  # trajectories of one length can run in circles
        moved, accepted = hmc_step(
            lambda u: _log_joint(model, x, spread * u), (z / spread).unsqueeze(0), varied, LEAPFROG
        )
        z = spread * moved[0]
        if step < burn_in:
            size = size * torch.exp(0.4 * (accepted.T - ACCEPTED))
        else:
            px = model.decode(z)
            yield torch.where(gone, px.complete(), x), px.expectation


def _sampler(model: Model, method: str | None) -> Callable[..., Iterator[Drawn]]:
    """What draws: chains need codes that move freely, and their density."""
    is_free = isinstance(model, VAE) and model.is_density and model.posterior.support == "real" and is_exact(model)
    if method == "chain" and not is_free:
        raise UserError(
            'Chains need codes that are real vectors, and the densities of q(z|x) and p(z); use method="sequential".'
        )
    assert model.schema is not None
    by_chains = is_free and model.schema.is_of_numbers if method is None else method == "chain"
    return _chain if by_chains else _sequential


def _log_joint(model: Any, x: Tensor, z: Tensor) -> Tensor:
    """log p(z) + log p(observed cells | z); what is said of which cells are missing is left aside."""
    return model.log_prior(z) + model.decode(z).log_prob_columns(x).sum(-1)

