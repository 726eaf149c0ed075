"""Compiled: the pass over a full batch as generated code, where the run is long enough to repay the compilation."""

from __future__ import annotations

import warnings
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


class Compiled(nn.Module):
    """A module whose forward and backward pass over full training batches is generated code (torch.compile).

    Other sizes, the last batch of an epoch for example, and validation run as they are, which spares compiling them.
    The code draws the noise that the module itself would draw.

    Args:
        module: maps (x, y) to (total, terms).
        size: examples of a full batch.
    """

    def __init__(self, module: nn.Module, size: int) -> None:
        super().__init__()
        self.module, self.size = module, size
        options: dict[str, Any] = {"fallback_random": True}
        if next(module.parameters()).device.type == "cuda":
            options["triton.cudagraphs"] = True  # a small model's step is bound by the launches of its kernels
        self.quick = torch.compile(module.forward, dynamic=False, options=options)

    def forward(self, x: Tensor, y: Tensor | None) -> Any:
        is_full = self.module.training and len(x) == self.size
        return self.quick(x, y) if is_full else self.module(x, y)


def choose_compiled(score: nn.Module, part: Part, settings: Settings, num_steps: int) -> tuple[nn.Module, str]:
    """The score as it is or compiled, and why.

    Args:
        score: what a step lowers.
        part: training examples on their device; some are passed through to see whether the code works.
        settings: how to train.
        num_steps: of the whole run.

    Raises:
        UserError: compilation was asked for and does not work here.
    """
    if settings.compile == "never":
        return score, "step not compiled: asked for"
    if world() > 1:
        return score, "step not compiled: several processes"
    if settings.compile == "auto" and num_steps < REPAID:
        return score, f"step not compiled: {num_steps:,} steps would not repay it"
    size = min(settings.batch_size, settings.micro_batch or settings.batch_size)
    compiled = Compiled(score, size)
    try:
        _try(score, compiled, part, size)
    except Exception as error:  # whatever a compiler may meet on a stranger's machine
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        if settings.compile == "always":
            raise UserError(f"The step cannot be compiled here ({reason}); leave --compile out.") from None
        return score, f"step not compiled: it does not work here ({reason})"
    why = "asked for" if settings.compile == "always" else f"{num_steps:,} steps repay it"
    return compiled, f"step compiled: {why}"


def _try(score: nn.Module, compiled: nn.Module, part: Part, size: int) -> None:
    """One pass forth and back, which changes nothing."""
    device = next(score.parameters()).device
    x, y = part.batch((torch.arange(size) % len(part)).to(device))
    was_training = score.training
    score.train()
    devices = [device] if device.type == "cuda" else []
    with undisturbed(score), torch.random.fork_rng(devices), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trained = [p for p in score.parameters() if p.requires_grad]
        # As it is first: what torch looks up by type, it then remembers, and the compiler need not follow the search.
        for run in (score, compiled):
            torch.autograd.grad(run(x, y)[0], trained, allow_unused=True)
    score.train(was_training)
