"""Compiled: a full batch's loss and gradient as generated code, where the run is long enough to repay that."""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Sequence
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any, cast

import torch
from torch import Tensor, nn

from vaekit.errors import UserError, is_out_of_memory
from vaekit.ranks import world
from vaekit.training.draws import undisturbed

if TYPE_CHECKING:
    from vaekit.data import Part
    from vaekit.training.distributed import Score
    from vaekit.training.settings import Settings

REPAID = 5000
"""Steps from which on "auto" compiles: seconds to compile, a millisecond or so gained a step. Steps are counted and no
clock is read, so that a resumed run decides as it did before."""


APART = 0.05
"""Share of its norm by which generated code may miss a weight's gradient: rounding to bfloat16 in another order."""

Found = tuple[Tensor, dict[str, Tensor], tuple[Tensor | None, ...]]


class Compiled:
    """The loss of a full training batch and its gradient as generated code (torch.compile).

    Other sizes, the last batch of an epoch for example, and validation run as they are, which spares compiling them.
    The code draws the noise that the module itself would draw.

    Args:
        score: maps (x, y) to (total, terms).
        size: examples of a full batch.
        is_whole: one code for the way forth and back, which the tape of autograd never sees; False: autograd calls the
            generated code of either way.
    """

    def __init__(self, score: nn.Module, size: int, *, is_whole: bool) -> None:
        self.score, self.size = score, size
        self.parameters = [p for p in score.parameters() if p.requires_grad]
        # Generated once: code that would have to be generated anew is an error, and the training goes on without.
        options: dict[str, Any] = {"fullgraph": True, "dynamic": False, "options": {"fallback_random": True}}
        if "recompile_limit" in inspect.signature(torch.compile).parameters:  # since torch 2.13
            options["recompile_limit"] = 1
        if self.parameters[0].device.type == "cuda":
            # A small model's step is bound by the launches of its kernels.
            options["options"]["triton.cudagraphs"] = True
        if is_whole:
            torch._dynamo.config.trace_autograd_ops = True  # not known to older versions of torch
            self.quick = torch.compile(afresh(self._both_ways), **options)
        else:
            self.forth = torch.compile(afresh(score.forward), **options)
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


def afresh(method: Any) -> Any:
    """The method with a code object of its own: the compiler counts for each how often it had to generate code, and all
    trainings of a process would count together."""
    function = method.__func__
    code, outer = function.__code__.replace(), function.__closure__
    copy = FunctionType(code, function.__globals__, function.__name__, function.__defaults__, outer)
    copy.__kwdefaults__ = function.__kwdefaults__
    return MethodType(copy, method.__self__)


def own(found: tuple[Tensor | None, ...], parameters: list[nn.Parameter]) -> list[bool]:
    """Whether each gradient lies in memory as its weights do, and nothing else lies there: clipping writes on it."""
    places = [None if g is None else g.untyped_storage().data_ptr() for g in found]
    return [
        g is None or (g.stride() == p.stride() and places.count(place) == 1)
        for g, p, place in zip(found, parameters, places, strict=True)
    ]


def choose_compiled(
    score: nn.Module, part: Part, settings: Settings, num_steps: int, size: int
) -> tuple[Compiled | None, str]:
    """Code for the step, None where it is done without, and why.

    Code that was asked for and does not fit in memory is for fewer examples than `size`, as its own `size` says.

    Args:
        score: what a step lowers.
        part: training examples on their device; some are passed through to see whether the code works.
        settings: how to train.
        num_steps: of the whole run.
        size: examples at once.

    Raises:
        UserError: compilation was asked for and does not work here.
    """
    if settings.compile == "never":
        return None, "step not compiled: asked for"
    if world() > 1:
        return None, "step not compiled: several processes"
    if settings.compile == "auto" and num_steps < REPAID:
        return None, f"step not compiled: {num_steps:,} steps would not repay it"
    why = "asked for" if settings.compile == "always" else f"{num_steps:,} steps repay it"
    reason = ""
    for is_whole in (False,) if convolves_on_cpu(score) else (True, False):
        try:
            how = "step compiled" if is_whole else "step compiled, in two halves"
            make = _fitting if settings.compile == "always" else _try
            return make(cast("Score", score), part, size, is_whole=is_whole), f"{how}: {why}"
        except Exception as error:  # whatever a compiler may meet on a stranger's machine, or in a stranger's part
            if is_out_of_memory(error) and settings.compile == "always":
                raise
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
    if settings.compile == "always":
        raise UserError(f"The step cannot be compiled here ({reason}); leave --compile out.")
    return None, f"step not compiled: it does not work here ({reason})"


def convolves_on_cpu(score: nn.Module) -> bool:
    """Whether there are convolutions, on a CPU: then two halves are quicker.

    In two halves the compiler weighs what the way back had better compute again; in one it keeps all, and so much
    memory to write and to read costs more than the tape does (benchmarks/speed/by_hand.py).
    """
    is_on_cpu = next(score.parameters()).device.type == "cpu"
    return is_on_cpu and any(isinstance(m, (nn.Conv1d, nn.Conv2d)) for m in score.modules())


def _fitting(score: Score, part: Part, size: int, *, is_whole: bool) -> Compiled:
    """The code for `size` examples, or for half as many until they fit in memory; a coupled batch is never cut."""
    while True:
        try:
            return _try(score, part, size, is_whole=is_whole)
        except Exception as error:
            if not is_out_of_memory(error) or score.objective.is_coupled or size == 1:
                raise
        size = math.ceil(size / 2)


def _try(score: Score, part: Part, size: int, *, is_whole: bool) -> Compiled:
    """The code, after its gradient of a few examples was held against autograd's own; nothing is changed by that.

    Raises:
        RuntimeError: the two differ by more than rounding.
    """
    compiled = Compiled(score, size, is_whole=is_whole)
    device = next(score.parameters()).device
    devices = [device] if device.type == "cuda" else []
    was_training = score.training
    score.train()
    found = []
    # As it is first: what torch looks up by type, it then remembers, and the compiler need not follow the search.
    for call in (lambda x, y: as_it_is(score, compiled.parameters, x, y), compiled):
        with undisturbed(score), torch.random.fork_rng(devices), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.manual_seed(0)
            x, y = part.batch((torch.arange(size) % len(part)).to(device))
            for clock in (score.objective.epoch, score.objective.step):
                clock.fill_(1000)  # past every warm-up, so that all terms count
            total, _, gradient = call(x, y)
            found.append([total.clone(), *(None if g is None else g.clone() for g in gradient)])
    score.train(was_training)
    for what, pair in (("loss", (found[0][:1], found[1][:1])), ("gradient", (found[0][1:], found[1][1:]))):
        if not (gap := distance(*pair)) <= APART:
            raise RuntimeError(f"its {what} is {gap:.2g} of the right one's size away")
    return compiled


def as_it_is(score: nn.Module, parameters: list[nn.Parameter], x: Tensor, y: Tensor | None) -> Found:
    """Total, terms and gradient by torch's tape."""
    total, terms = score(x, y)
    return total.detach(), terms, autograd(total, parameters)


def autograd(total: Tensor, parameters: list[nn.Parameter]) -> tuple[Tensor | None, ...]:
    """What torch's tape gives, None for weights without a part in the total."""
    return torch.autograd.grad(total, parameters, allow_unused=True)


def distance(expected: Sequence[Tensor | None], found: Sequence[Tensor | None]) -> float:
    """The largest gap between two tensors of a pair, as a share of the expected one's norm.

    A norm below a tenth of that of all together counts as a tenth. Infinite where one side lacks a tensor.
    """
    if [g is None for g in expected] != [g is None for g in found]:
        return math.inf
    pairs = [(a, b) for a, b in zip(expected, found, strict=True) if a is not None and b is not None]
    norms = [float(a.double().norm()) for a, _ in pairs]
    gaps = [float((a - b).double().norm()) for a, b in pairs]
    least = 0.1 * math.hypot(*norms)
    return max((gap / (max(norm, least) or 1.0) for gap, norm in zip(gaps, norms, strict=True)), default=0.0)
