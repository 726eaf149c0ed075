"""Compiled: a full batch's loss and gradient as generated code, where the run is long enough to repay that."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from vaekit.errors import UserError
from vaekit.ranks import world
from vaekit.training.draws import undisturbed

if TYPE_CHECKING:
    from vaekit.data import Part
    from vaekit.training.settings import Settings

REPAID = 5000
"""Steps from which on "auto" compiles: seconds to compile, a millisecond or so gained a step. Steps are counted and no
clock is read, so that a resumed run decides as it did before."""


APART = 0.05
"""Share of the gradient's norm by which generated code may miss it: rounding to bfloat16 in another order."""

Found = tuple[Tensor, dict[str, Tensor], tuple[Tensor | None, ...]]


class Compiled:
    """The loss of a full training batch and its gradient as generated code (torch.compile).

    Other sizes, the last batch of an epoch for example, and validation run as they are, which spares compiling them.
    The code draws the noise that the module itself would draw.

    Args:
        score: maps (x, y) to (total, terms).
        size: examples of a full batch.
        is_whole: one code for the way forth and back, which the tape of autograd never sees; False where a part
            cannot be traced so far: then autograd calls the generated code of either way.
    """

    def __init__(self, score: nn.Module, size: int, *, is_whole: bool) -> None:
        self.score, self.size = score, size
        self.parameters = [p for p in score.parameters() if p.requires_grad]
        options: dict[str, Any] = {"fallback_random": True}
        if self.parameters[0].device.type == "cuda":
            options["triton.cudagraphs"] = True  # a small model's step is bound by the launches of its kernels
        if is_whole:
            torch._dynamo.config.trace_autograd_ops = True  # not known to older versions of torch
            self.quick = torch.compile(self._both_ways, dynamic=False, fullgraph=True, options=options)
        else:
            self.forth = torch.compile(score.forward, dynamic=False, options=options)
            self.quick = self._back
        self.is_own: list[bool] = []

    def __call__(self, x: Tensor, y: Tensor | None) -> Found:
        """Total (), terms (B,), and a gradient for each of `parameters`, None where one has no part in the loss."""
        total, terms, found = self.quick(x, y)
        self.is_own = self.is_own or own(found, self.parameters)  # the same at every call: the code is
        if not all(self.is_own):
            pairs = zip(found, self.parameters, self.is_own, strict=True)
            found = tuple(g if g is None or mine else torch.empty_like(p).copy_(g) for g, p, mine in pairs)
        return total, terms, found

    def _both_ways(self, x: Tensor, y: Tensor | None) -> Found:
        total, terms = self.score(x, y)
        return total.detach(), terms, autograd(total, self.parameters)

    def _back(self, x: Tensor, y: Tensor | None) -> Found:
        total, terms = self.forth(x, y)
        return total.detach(), terms, autograd(total, self.parameters)


def own(found: tuple[Tensor | None, ...], parameters: list[nn.Parameter]) -> list[bool]:
    """Whether each gradient lies in memory as its weights do, and nothing else lies there: clipping writes on it."""
    places = [None if g is None else g.untyped_storage().data_ptr() for g in found]
    return [
        g is None or (g.stride() == p.stride() and places.count(place) == 1)
        for g, p, place in zip(found, parameters, places, strict=True)
    ]


def choose_compiled(
    score: nn.Module, part: Part, settings: Settings, num_steps: int
) -> tuple[Compiled | None, str]:
    """Code for the step, None where it is done without, and why.

    Args:
        score: what a step lowers.
        part: training examples on their device; some are passed through to see whether the code works.
        settings: how to train.
        num_steps: of the whole run.

    Raises:
        UserError: compilation was asked for and does not work here.
    """
    if settings.compile == "never":
        return None, "step not compiled: asked for"
    if world() > 1:
        return None, "step not compiled: several processes"
    if settings.compile == "auto" and num_steps < REPAID:
        return None, f"step not compiled: {num_steps:,} steps would not repay it"
    size = min(settings.batch_size, settings.micro_batch or settings.batch_size)
    why = "asked for" if settings.compile == "always" else f"{num_steps:,} steps repay it"
    reason = ""
    for is_whole, how in ((True, "step compiled"), (False, "step compiled, in two halves")):
        try:
            return _try(score, part, size, is_whole=is_whole), f"{how}: {why}"
        except Exception as error:  # whatever a compiler may meet on a stranger's machine, or in a stranger's part
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    if settings.compile == "always":
        raise UserError(f"The step cannot be compiled here ({reason}); leave --compile out.")
    return None, f"step not compiled: it does not work here ({reason})"


def _try(score: nn.Module, part: Part, size: int, *, is_whole: bool) -> Compiled:
    """The code, after its gradient of a few examples was held against autograd's own; nothing is changed by that.

    Raises:
        RuntimeError: the two differ by more than rounding.
    """
    compiled = Compiled(score, size, is_whole=is_whole)
    device = next(score.parameters()).device
    x, y = part.batch((torch.arange(size) % len(part)).to(device))
    devices = [device] if device.type == "cuda" else []
    was_training = score.training
    score.train()
    gradients = []
    # As it is first: what torch looks up by type, it then remembers, and the compiler need not follow the search.
    for call in (lambda: autograd(score(x, y)[0], compiled.parameters), lambda: compiled(x, y)[2]):
        with undisturbed(score), torch.random.fork_rng(devices), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            gradients.append([None if g is None else g.clone() for g in call()])
    score.train(was_training)
    if not (gap := distance(*gradients)) <= APART:
        raise RuntimeError(f"its gradient is {gap:.2g} of the gradient's norm away")
    return compiled


def autograd(total: Tensor, parameters: list[nn.Parameter]) -> tuple[Tensor | None, ...]:
    """What torch's tape gives, None for weights without a part in the total."""
    return torch.autograd.grad(total, parameters, allow_unused=True)


def distance(expected: Sequence[Tensor | None], found: Sequence[Tensor | None]) -> float:
    """Norm of the difference over that of what was expected; infinite where one side lacks a gradient."""
    if [g is None for g in expected] != [g is None for g in found]:
        return math.inf
    gap = norm = 0.0
    for a, b in zip(expected, found, strict=True):
        if a is not None and b is not None:
            gap += float((a - b).double().square().sum())
            norm += float(a.double().square().sum())
    return math.sqrt(gap / norm) if norm else gap
