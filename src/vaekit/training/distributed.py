"""Team: the processes that torchrun started to train one model. Alone, a process does nothing here and pays nothing."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

import vaekit.ranks as ranks
from vaekit.errors import UserError
from vaekit.ranks import Split, rank, world
from vaekit.training.checkpoint import Checkpoint
from vaekit.training.draws import SameDraws, rehearse, undisturbed
from vaekit.training.whole import WholeTrace

if TYPE_CHECKING:
    from vaekit.data import Part
    from vaekit.model import Model
    from vaekit.objectives import Objective
    from vaekit.training.settings import Settings

PATIENCE = timedelta(hours=1)
"""How long the others wait for one: the first may have much to read or to write."""
LOST = (
    "Another process of this training was lost (killed, out of memory, or its machine is gone); continue with: "
    "vaekit train --resume and the run's folder, on any number of processes."
)
MIXED = (
    "With --shard a part's weights are whole only while it works, and this model or objective reads some at another "
    "time; leave --shard out."
)


class EchoedError(UserError):
    """An error that another process says already."""


# Meeting and parting.


def join(device: torch.device) -> torch.device:
    """Meet the other processes where torchrun started this one; each gets a GPU of its own where `device` is one.

    Raises:
        UserError: a kind of device that cannot speak to others.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) < 2 or "RANK" not in os.environ:
        return device
    if device.type not in ("cpu", "cuda"):
        raise UserError(f"Several processes train on cpu or cuda; {device.type} came. Use --device cpu.")
    if device.type == "cuda":
        device = torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
        if device.index >= torch.cuda.device_count():
            raise UserError(
                f"There are {torch.cuda.device_count()} GPUs here for {os.environ.get('LOCAL_WORLD_SIZE')} processes; "
                "start one process a GPU (--nproc-per-node gpu)."
            )
        torch.cuda.set_device(device)
    if not dist.is_initialized():
        # Numbers on a GPU go by nccl; sentences and signals by gloo, which a dead peer cannot keep waiting.
        backend = "cpu:gloo,cuda:nccl" if device.type == "cuda" else "gloo"
        store, own, num = next(dist.rendezvous("env://", timeout=PATIENCE))
        dist.init_process_group(backend, store=store, rank=own, world_size=num, timeout=PATIENCE)
        atexit.register(dist.destroy_process_group)  # its threads must end before the interpreter does
    return device


def first(work: Callable[[], Any]) -> str:
    """What the first process's `work` returns, as text, on every process; its error is everybody's.

    Raises:
        UserError: that of the first process.
    """
    if world() == 1:
        return str(work())
    said, error = "", None
    if rank() == 0:
        try:
            said = str(work())
        except UserError as caught:
            error = caught
    text = _broadcast(f"{'-' if error else '+'}{error or said}" if rank() == 0 else "")
    if text[0] == "-":
        raise error or EchoedError(text[1:])
    return text[1:]


def in_turn(work: Callable[[], Any]) -> Any:
    """`work` on every process, the first one before the others: it may download, and they find it done."""
    if world() == 1:
        return work()
    made: list[Any] = []
    first(lambda: made.append(work()))
    return made[0] if made else work()


def _broadcast(text: str) -> str:
    """A text of the first process."""
    content = torch.tensor(list(text.encode()), dtype=torch.uint8)
    size = torch.tensor(len(content))
    dist.broadcast(size, src=0)
    if rank() > 0:
        content = torch.empty(int(size), dtype=torch.uint8)
    dist.broadcast(content, src=0)
    return bytes(content.tolist()).decode()


@contextlib.contextmanager
def relaying() -> Iterator[None]:
    """Within it, an error of one process becomes everybody's, and a lost process becomes a sentence."""
    try:
        yield
    except Exception as caught:
        if world() == 1 or isinstance(caught, EchoedError):
            raise
        error: Exception = caught
        is_loss = is_about_connection(caught)
        if is_loss:
            error = UserError(LOST)
        elif "mixed torch.Tensor and DTensor" in str(caught):
            error = UserError(MIXED)
        said = _post(str(error), wait=1.0 if is_loss else 0.5)
        raise (error if said is None else EchoedError(said)) from caught


def is_about_connection(error: Exception) -> bool:
    """Whether this is what is left of another process. gloo raises a plain RuntimeError."""
    is_told = isinstance(error, RuntimeError) and any(w in str(error) for w in ("gloo", "onnection", "NCCL"))
    return not isinstance(error, UserError) and (isinstance(error, dist.DistError) or is_told)


def _post(text: str, wait: float) -> str | None:
    """Leave an error where the other processes find it; returns what one of them left before, None for nothing."""
    if rank() > 0:
        with _deaf():
            time.sleep(wait)  # an error that all have is said by the first
    try:
        store = dist.distributed_c10d._get_default_store()
        found = store.compare_set("vaekit error", "", f"{rank()} {text}").decode()
    except (RuntimeError, dist.DistError):
        return None  # whoever kept the store is gone
    who, _, said = found.partition(" ")
    return None if int(who) == rank() else said


@contextlib.contextmanager
def _deaf() -> Iterator[None]:
    """Within it, SIGTERM is not heard: torchrun sends it to the others at once when it lost one, and they have
    something to say first."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class Agreement:
    """Whether any process was asked to stop, found out by all of them at the same step, about once a second."""

    def __init__(self) -> None:
        self.every = self.left = 1
        self.since = time.monotonic()

    def __call__(self, asked: bool, *, now: bool = False) -> bool:
        if world() == 1:
            return asked
        self.left -= 1
        if self.left > 0 and not now:
            return False
        each = (time.monotonic() - self.since) / max(1, self.every - self.left)
        found = torch.tensor([float(asked), each])
        dist.all_reduce(found, dist.ReduceOp.MAX)
        self.every = self.left = max(1, min(1000, int(1 / max(1e-6, float(found[1])))))
        self.since = time.monotonic()
        return bool(found[0])


# Working together.


def engine() -> Any:
    """What `--shard` needs: a second to import, for those who do."""
    from vaekit.training import sharded

    return sharded


class Score(nn.Module):
    """What a step lowers: the objective of the model's pass over a batch, and its terms (B,) for the log.

    Args:
        model, objective: what is trained.
        precision: of the networks while training; they run in full precision in evaluation.
    """

    def __init__(self, model: Model, objective: Objective, precision: torch.dtype) -> None:
        super().__init__()
        self.model, self.objective, self.precision = model, objective, precision

    def forward(self, x: Tensor, y: Tensor | None) -> tuple[Tensor, dict[str, Tensor]]:
        is_half = self.precision != torch.float32 and self.model.training
        with torch.autocast(x.device.type, self.precision, enabled=is_half):
            trace = self.model(x, y, self.objective.num_samples)
        split = ranks.current()
        if split is not None and self.objective.is_coupled:
            with ranks.sharing(None):  # every rank computes the same loss, of all examples
                loss = self.objective(WholeTrace(trace, split))
            return loss.total, {name: value[split.rows].detach() for name, value in loss.terms.items()}
        loss = self.objective(trace)  # densities are computed here, in full precision
        return loss.total, {name: value.detach() for name, value in loss.terms.items()}


class Team:
    """This process's place among those that train one model.

    Args:
        model, objective, settings, precision: what is trained, and how.
        part: training examples, on the CPU; a few of them are passed through the model to learn how it draws.
        device: of this process.
    """

    def __init__(self, model: Model, objective: Objective, settings: Settings, precision: torch.dtype, part: Part,
                 device: torch.device) -> None:  # fmt: skip
        self.objective, self.device, self.is_first = objective, device, rank() == 0
        self.draws: contextlib.AbstractContextManager[Any] = contextlib.nullcontext()
        self.is_sharded, self.agree = settings.shard, Agreement()
        score = Score(model, objective, precision)
        if world() == 1:
            self.score: nn.Module = score.to(device)
            return

        def step(count: int) -> Tensor:
            x, y = part.batch(torch.arange(count) % len(part))
            return score(x, y)[0]

        with undisturbed(score), torch.random.fork_rng(devices=[]):
            if settings.draws == "same":
                self.draws = SameDraws(rehearse(step))
            if settings.shard:
                parts = engine().units(model, lambda: step(2))
            else:
                trained = [p for p in score.parameters() if p.requires_grad]
                found = torch.autograd.grad(step(2), trained, allow_unused=True)
        if settings.shard:
            self.score = engine().shard(score, parts, device)
            return
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # newer versions of torch have another name for it
            self.score = DistributedDataParallel(
                score.to(device),
                device_ids=[device.index] if device.type == "cuda" else None,
                broadcast_buffers=False,  # what parts keep of a batch, they keep of the whole batch
                find_unused_parameters=any(gradient is None for gradient in found),
                gradient_as_bucket_view=True,
            )

    def stir(self, seed: int) -> None:
        """Where each process draws for itself: start its generator for a step, so that a resumed run draws the same."""
        if world() > 1 and not isinstance(self.draws, SameDraws):
            torch.manual_seed((seed * world() + rank()) % 2**63)

    @contextlib.contextmanager
    def sharing(self, count: int) -> Iterator[Split]:
        """Within it, a batch of `count` examples is worked on together; gives this process's share."""
        split = Split.of(count)
        with ranks.sharing(split), self.draws:
            yield split

    def own(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """This process's examples of each batch."""
        return (index[Split.of(len(index)).rows] for index in batches)

    def weight(self, split: Split) -> Tensor | None:
        """What the gradient of this rank's mean counts: the engine averages over ranks, and shares are unequal."""
        if not split.is_shared or self.objective.is_coupled or len(set(split.counts)) == 1:
            return None
        return torch.tensor(split.count * world() / split.total, device=self.device)

    def counted(self, split: Split, total: Tensor, terms: dict[str, Tensor]) -> dict[str, Tensor]:
        """Sums over the examples that this rank answers for: none, where every rank took the whole batch."""
        if not split.count:
            terms = {name: value * 0 for name, value in terms.items()}
        return {"loss": total * split.count, **terms}

    def total(self, sums: dict[str, Tensor]) -> dict[str, Tensor]:
        """Sums over the examples of all processes."""
        if world() == 1 or not sums:
            return sums
        values = torch.stack(list(sums.values()))
        dist.all_reduce(values)
        return dict(zip(sums, values.unbind(), strict=True))

    @contextlib.contextmanager
    def holding_back(self, is_more: bool) -> Iterator[None]:
        """Within it, gradients stay with this process where more of the same batch are to come."""
        if world() == 1 or not is_more:
            yield
        elif self.is_sharded:
            self.score.set_requires_gradient_sync(False)  # type: ignore[operator]  # of an FSDPModule
            yield
            self.score.set_requires_gradient_sync(True)  # type: ignore[operator]
        else:
            with self.score.no_sync():  # type: ignore[operator]  # of DistributedDataParallel
                yield

    @contextlib.contextmanager
    def gathered(self) -> Iterator[None]:
        """Within it, the model may be used otherwise than by `score`: weights in shards are whole when used."""
        if not (self.is_sharded and world() > 1):
            yield
            return
        self.score.unshard()  # type: ignore[operator]  # of an FSDPModule
        try:
            yield
        finally:
            self.score.reshard()  # type: ignore[operator]

    def clip(self, parameters: Iterator[nn.Parameter], most: float) -> Tensor:
        """Scale the gradients to a global norm of at most `most`; gives the norm that they had."""
        if self.is_sharded and world() > 1:
            return engine().clip(parameters, most)
        return torch.nn.utils.clip_grad_norm_(parameters, most)

    def save(self, checkpoint: Checkpoint, path: Path) -> None:
        """Write a checkpoint: the first process does, or each its own shards."""
        if self.is_sharded:
            engine().save(checkpoint, path, first)
        else:
            first(lambda: checkpoint.save(path))

    def load(self, path: Path, live: dict[str, Tensor]) -> Checkpoint:
        """Read a checkpoint; its tensors come in the shards of those of the same name in `live`."""
        return engine().load(path, live) if self.is_sharded else Checkpoint.load(path)
