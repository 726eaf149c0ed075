"""TableRow: the distribution of one row of a table, its columns independent given the code."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Size, Tensor
from torch.distributions import Distribution, constraints
from torch.types import _size

if TYPE_CHECKING:
    from vaekit.nets.cells import Cells

MEAN_LEVELS = tuple((i + 0.5) / 16 for i in range(16))
"""Quantiles of each logistic whose numbers are averaged for the mean."""


class TableRow(Distribution):
    """Categories by their logits; a number is one of its column's special numbers, by its logit, or else drawn from a
    mixture of logistics over normal scores: a density where the column is continuous, and the mass of the bin around
    each whole number where it is not. Cells that are NaN have no say; whether a cell is missing has a Bernoulli of its
    own in columns whose training part had such cells.

    Shapes: M components; F choices, which are the categories of every column of categories, and for each column of
    numbers its special numbers and "another", columns of numbers behind those of categories.

    Args:
        cells: the columns.
        choice: logits of the choices, (*batch, F).
        segment: (F, C) 1 where a choice is of a column, columns in the order of the choices.
        start: (C,) the first choice of each of these columns.
        weight, loc, scale: of the mixtures, (*batch, C_n, M); weights are logits, locations and scales are scores.
        gone: logits of missing cells, (*batch, C_m).
        can_miss: (C_m,) columns that have missing cells.
    """

    arg_constraints = {}  # noqa: RUF012
    support = constraints.real_vector

    def __init__(
        self, cells: Cells, choice: Tensor, segment: Tensor, start: Tensor,
        weight: Tensor, loc: Tensor, scale: Tensor, gone: Tensor, can_miss: Tensor,
    ) -> None:  # fmt: skip
        self.cells, self.choice, self.segment, self.start = cells, choice, segment, start
        self.log_weight, self.loc, self.scale = weight.log_softmax(-1), loc, scale
        self.gone, self.can_miss = gone, can_miss
        super().__init__(choice.shape[:-1], Size([cells.num_columns]), validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """Of observed cells, and of which cells are missing; (*batch,)."""
        total = self.log_prob_columns(value).sum(-1)
        if len(self.can_miss):
            gone = value[..., self.can_miss].isnan().to(total.dtype)
            total = total + F.logsigmoid(torch.where(gone > 0, self.gone, -self.gone)).sum(-1)
        return total

    def log_prob_columns(self, value: Tensor) -> Tensor:
        """Of each cell given the code, (*batch, C); 0 where it is missing."""
        missing, cells = value.isnan(), self.cells
        x = value.nan_to_num(0.0)
        log_choice = self.log_choice()
        num = cells.num_categories
        limit = torch.tensor(cells.sizes, device=x.device).sub(1) if num else x.new_zeros(0)
        index = [x[..., cells.categories].round().clamp(min=0).minimum(limit).long() + self.start[:num]]
        if cells.num_numbers:
            read = cells.read(x)
            index.append(read.special + self.start[num:])
        made = _gather(log_choice, torch.cat(index, -1))
        columns = cells.categories
        if cells.num_numbers:
            columns = torch.cat([cells.categories, cells.numbers])
            other = log_choice[..., self.start[num:] + cells.num_specials]
            rest = self._log_other(x[..., cells.numbers], read.score, read.slope)
            is_special = read.special < cells.num_specials
            chosen = made[..., num:]
            # A whole number that is special can also come from the mixture; a continuous one cannot, almost surely.
            both = torch.where(cells.step > 0, torch.logaddexp(chosen, other + rest), chosen)
            made = torch.cat([made[..., :num], torch.where(is_special, both, other + rest)], -1)
        made = made[..., columns.argsort()]
        return torch.where(missing, torch.zeros_like(made), made)

    def log_choice(self) -> Tensor:
        """Choices normalized within their columns, (*batch, F)."""
        logits = self.choice - self.choice.detach().amax(-1, keepdim=True)
        # Logits lie within LOGIT_RANGE, so no column's sum underflows beside another's maximum.
        return logits - ((logits.exp() @ self.segment).log() @ self.segment.T)

    def _log_other(self, x: Tensor, score: Tensor, slope: Tensor) -> Tensor:
        """The mixtures at numbers x (B, C_n): log densities of continuous and log masses of whole ones."""
        step = self.cells.step
        below, _ = self.cells.score(x - step / 2)
        above, _ = self.cells.score(x + step / 2)

        def standard(t: Tensor) -> Tensor:
            return (t.unsqueeze(-1) - self.loc) / self.scale

        t = standard(score)
        density = F.logsigmoid(t) + F.logsigmoid(-t) - self.scale.log() + slope.log().unsqueeze(-1)
        low, high = standard(below), standard(above)
        # sigmoid(b) - sigmoid(a) = sigmoid(b) sigmoid(-a) (1 - exp(a - b)), of which nothing cancels.
        width = (high - low).clamp(min=1e-6)
        mass = F.logsigmoid(high) + F.logsigmoid(-low) + torch.log(-torch.expm1(-width))
        return (self.log_weight + torch.where((step > 0).unsqueeze(-1), mass, density)).logsumexp(-1)

    @property
    def mean(self) -> Tensor:
        """The mean of numbers, up to the quantiles that stand for a mixture, and the likeliest category."""
        cells, log_choice = self.cells, self.log_choice()
        out = log_choice.new_empty(*self.batch_shape, cells.num_columns)
        for j, start, size in zip(cells.at_categories, cells.starts, cells.sizes):
            out[..., j] = log_choice[..., start : start + size].argmax(-1).to(out.dtype)
        for j, mean in zip(cells.at_numbers, self._means(log_choice)):
            out[..., j] = mean
        return out

    @property
    def expectation(self) -> Tensor:
        """The probability of every category, column by column, then the mean of every number; (*batch, E). Averaged
        over codes it is that of the mixture, and `Cells.likeliest` reads it."""
        log_choice = self.log_choice()
        chances = log_choice[..., : sum(self.cells.sizes)].exp()
        return torch.cat([chances, *(mean.unsqueeze(-1) for mean in self._means(log_choice))], -1)

    def _means(self, log_choice: Tensor) -> list[Tensor]:
        """Of each column of numbers, (*batch,)."""
        cells, made = self.cells, []
        if cells.num_numbers:
            levels = log_choice.new_tensor(MEAN_LEVELS).logit()
            scores = self.loc.unsqueeze(-1) + self.scale.unsqueeze(-1) * levels  # (*batch, C_n, M, L)
            x = cells.unscore(scores.flatten(-2).transpose(-1, -2)).transpose(-1, -2)
            weight = self.log_weight.exp().unsqueeze(-1).expand_as(scores).flatten(-2) / len(MEAN_LEVELS)
            other = (weight * x).sum(-1)
            for i, (start, count) in enumerate(zip(cells.starts[cells.num_categories :], cells.counts)):
                chance = log_choice[..., start : start + count + 1].exp()
                special = cells.specials[i, :count].to(other)
                made.append(chance[..., :-1] @ special + chance[..., -1] * other[..., i])
        return made

    @torch.no_grad()
    def sample(self, sample_shape: _size = ()) -> Tensor:
        """Rows, with missing cells as often as the training part had them."""
        x = self.complete(sample_shape)
        if len(self.can_miss):
            gone = torch.rand(*Size(sample_shape), *self.gone.shape, device=x.device) < self.gone.sigmoid()
            x[..., self.can_miss] = x[..., self.can_miss].masked_fill(gone, torch.nan)
        return x

    @torch.no_grad()
    def complete(self, sample_shape: _size = ()) -> Tensor:
        """Rows without a missing cell, (*sample, *batch, C)."""
        cells, num = self.cells, self.cells.num_categories
        logits = self.choice.expand(*Size(sample_shape), *self.choice.shape)
        noisy = logits + _gumbel(logits)
        out = logits.new_empty(*logits.shape[:-1], cells.num_columns)
        for j, start, size in zip(cells.at_categories, cells.starts, cells.sizes):
            out[..., j] = noisy[..., start : start + size].argmax(-1).to(out.dtype)
        if cells.num_numbers:
            weight = self.log_weight.expand(*Size(sample_shape), *self.log_weight.shape)
            component = (weight + _gumbel(weight)).argmax(-1, keepdim=True)
            loc, scale = (p.expand_as(weight).gather(-1, component).squeeze(-1) for p in (self.loc, self.scale))
            u = torch.rand_like(loc).clamp(1e-6, 1 - 1e-6)
            other = cells.unscore(loc + scale * u.logit())
            for i, (j, start, count) in enumerate(
                zip(cells.at_numbers, cells.starts[num:], cells.counts)
            ):
                chosen = noisy[..., start : start + count + 1].argmax(-1)
                special = cells.specials[i, :count].to(out)
                is_special = chosen < count
                value = special[chosen.clamp(max=max(count - 1, 0))] if count else other[..., i]
                out[..., j] = torch.where(is_special, value, other[..., i])
        return out


def _gather(log_choice: Tensor, index: Tensor) -> Tensor:
    """log_choice (*batch, F) at index (B, C), broadcast against each other."""
    lead = torch.broadcast_shapes(log_choice.shape[:-1], index.shape[:-1])
    return log_choice.expand(*lead, -1).gather(-1, index.expand(*lead, -1))


def _gumbel(like: Tensor) -> Tensor:
    return -torch.empty_like(like, memory_format=torch.contiguous_format).exponential_().clamp(min=1e-20).log()
