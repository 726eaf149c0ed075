"""The training loop: read it from top to bottom."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import time
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from vaekit.errors import DataLostError, UserError
from vaekit.ranks import own
from vaekit.training.checkpoint import (
    Checkpoint,
    Progress,
    optimizer_slots,
    optimizer_tensors,
    random_state,
    restore_optimizer,
    restore_random_state,
    truncate,
)
from vaekit.training.checks import fingerprint, require_same_config
from vaekit.training.distributed import Agreement, Team, first, world
from vaekit.training.ema import EMA
from vaekit.training.gradient import Gradient
from vaekit.training.initialize import initialize
from vaekit.training.interrupt import Interrupted, Interruptible
from vaekit.training.optimizer import learning_rate, make_optimizer
from vaekit.training.precision import choose_precision, quicken_float32
from vaekit.training.recompute import recompute
from vaekit.training.replay import Replay
from vaekit.training.report import Report
from vaekit.training.selection import means, selection_score
from vaekit.training.settings import Settings
from vaekit.training.spikes import SpikeGuard
from vaekit.training.watch import Watch
from vaekit.weights import load_state, unique_state, unique_tensors, write_weights

if TYPE_CHECKING:
    from vaekit.data import Dataset
    from vaekit.model import Model
    from vaekit.objectives import Objective
    from vaekit.run import Run

FINITE_CHECK_EVERY = 50  # steps; reading a number from the device makes it wait


class DivergedError(UserError):
    """The loss turned non-finite; the run folder holds the last good checkpoint."""


class Training:
    """One training of one model: what changes from step to step, and how it is saved and brought back.

    Args:
        run: the folder that it writes.
        model, objective: moved to `device`.
        data: its `train` and `valid` parts are used.
        settings: how to train.
        seed: fixes the order of the examples.
        device: where.
    """

    def __init__(
        self,
        run: Run,
        model: Model,
        objective: Objective,
        data: Dataset,
        settings: Settings,
        *,
        seed: int,
        device: torch.device,
    ) -> None:
        self.run, self.settings, self.seed, self.device = run, settings, seed, device
        objective.num_examples = len(data.train)
        objective.bind(model)
        self.is_fresh = first(lambda: not self.checkpoint_path.exists()) == "True"
        if self.is_fresh:
            initialize(model, data.train)
        self.choices: dict[str, str] = {}
        """What was left to choose, and why it was chosen."""
        self.precision, why = choose_precision(settings.precision, device, model.num_parameters)
        self.choices["precision"] = f"{str(self.precision).removeprefix('torch.')}: {why}"
        if device.type == "cpu" and quicken_float32():
            self.choices["float32 products"] = "by oneDNN: it keeps float32's accuracy here and is quicker"
        if settings.recompute:
            self.choices["recompute"] = f"{recompute(model)} blocks"
        self.team = Team(model, objective, settings, self.precision, data.train, device)
        self.model, self.objective = model, objective
        self.train_part = data.train.to(device)
        self.valid_part = data.valid.to(device) if data.valid is not None else None
        self.steps_per_epoch = math.ceil(len(data.train) / settings.batch_size)
        self.num_steps = settings.epochs * self.steps_per_epoch
        self.gradient = Gradient(self.team, objective, settings.micro_batch)
        if self.is_fresh:  # else `restore` knows whether a step is left
            self.choices["step"] = self.gradient.generate(self.train_part, settings, self.num_steps)
        self.optimizer = make_optimizer(model, objective, settings)
        self.parameters = [own(p.detach()) for p in model.parameters()]
        self.ema = EMA(model, settings.ema)
        self.spikes = SpikeGuard(settings.skip_spikes, device)
        self.progress = Progress()
        self.saved, self.agree_to_save = time.monotonic(), Agreement()
        self.sums: dict[str, Tensor] = {}
        self.config = run.config  # as it was at the start; the file may be edited while the training runs
        self.fingerprint = fingerprint(data.train)
        self.replay = Replay(run.path / "replay.safetensors", model, self.valid_part or self.train_part)

    @property
    def in_short(self) -> str:
        """What was chosen, in a few words."""
        return f"{self.choices['precision'].partition(':')[0]}, {self.choices['step'].partition(':')[0]}"

    # One epoch's parts.

    def order_of_epoch(self) -> Any:
        """A permutation of the training part that depends on seed and epoch alone, so a resumed epoch repeats it."""
        generator = torch.Generator().manual_seed(hash_seed(self.seed, self.progress.epoch))
        return self.train_part.order(generator).to(self.device)

    def step(self, index: Tensor) -> None:
        """One batch: trace, score, descend. `index` names this process's examples, all of them where it is alone."""
        done = self.progress.epoch * self.steps_per_epoch + self.progress.step
        for group in self.optimizer.param_groups:
            group["lr"] = group["scale"] * learning_rate(self.settings, done, self.num_steps)
        self.objective.epoch.fill_(done / self.steps_per_epoch)
        self.objective.step.fill_(done)

        self.team.stir(hash_seed(self.seed, done))
        size, first_of_batch = self.settings.batch_size, self.progress.step * self.settings.batch_size
        with self.team.sharing(min(size, len(self.train_part) - first_of_batch)) as share:
            x, y = self.train_part.batch(index)
            total, terms = self.gradient(x, y, self.team.weight(share))
        self.descend()
        self.ema.update(done + 1)

        self._add(self.sums, self.team.counted(share, total, terms))
        self.progress.step += 1

    def descend(self) -> None:
        """The optimizer's step, with the gradient clipped and spikes skipped where that is asked for."""
        clip, guard = self.settings.clip_norm, self.spikes
        if clip is not None or guard.factor is not None:
            norm = self.team.clip(self.model.parameters(), math.inf if clip is None else clip)
            skip = guard.judge(norm.detach())
            if skip is not None:
                self.optimizer.found_inf = skip
        self.optimizer.step()

    def validate(self, interrupt: Interruptible) -> dict[str, float]:
        """Mean terms over the validation part, with the averaged weights and the same noise every time.

        Raises:
            DivergedError: a term, or a weight after the epoch's last step, is not finite.
            Interrupted: a signal came; random state and mode are put back.
        """
        self.require_finite({"weights": torch.stack(torch._foreach_norm(self.parameters)).sum()})
        if self.valid_part is None or not len(self.valid_part):
            return {}
        sums: dict[str, Tensor] = {}
        with torch.random.fork_rng([self.device] if self.device.type == "cuda" else []), torch.no_grad():
            torch.manual_seed(self.seed)
            self.model.eval()
            try:
                for x, y in self.valid_part.batches(max(self.settings.batch_size, 256)):
                    interrupt.raise_if_requested()
                    with self.team.sharing(len(x)) as share:
                        total, terms = self.team.score(x[share.rows], None if y is None else y[share.rows])
                    self._add(sums, self.team.counted(share, total, terms))
            finally:
                self.model.train()
        self.require_finite(sums)
        return means(self.team.total(sums), len(self.valid_part))

    def record(self, valid: dict[str, float]) -> dict[str, Any]:
        """The line that metrics.jsonl gets for this epoch."""
        epoch = self.progress.epoch + 1
        return {
            "epoch": epoch,
            "step": epoch * self.steps_per_epoch,
            "learning_rate": learning_rate(self.settings, epoch * self.steps_per_epoch - 1, self.num_steps),
            "train": means(self.team.total(self.sums), len(self.train_part)),
            "valid": valid,
            **({"skipped": int(self.spikes.state["skipped"])} if self.spikes.state else {}),
        }

    def require_finite(self, values: dict[str, Tensor]) -> None:
        """Stop where a term turned non-finite, and say which."""
        broken = [name for name, value in self.team.total(values).items() if not bool(torch.isfinite(value))]
        if broken:
            names = [name for name in broken if name != "loss"] or broken
            raise DivergedError(
                f"Training stopped: {' and '.join(names)} turned non-finite in epoch {self.progress.epoch + 1} by "
                f"step {self.progress.step}. {self.run.path} keeps the checkpoint of epoch {self.progress.epoch}; "
                "train anew with a lower --learning-rate or --clip-norm 1."
            )

    @staticmethod
    def _add(sums: dict[str, Tensor], terms: dict[str, Tensor]) -> None:
        for name, value in terms.items():
            value = value.detach().sum().double() if value.device.type != "mps" else value.detach().sum()
            sums[name] = sums[name] + value if name in sums else value

    # Saving and coming back.

    @property
    def checkpoint_path(self) -> Any:
        return self.run.path / "checkpoints" / ("last.json" if self.settings.shard else "last.safetensors")

    def keep(self) -> None:
        """Write the weights as they are now for whoever uses the model."""
        state = unique_state(self.model)
        first(lambda: write_weights(state, self.run.path))

    def state(self) -> dict[str, Tensor]:
        """What a step changes of model, objective and averages, as it is."""
        tensors = unique_tensors(self.model, "model.") | unique_tensors(self.objective, "objective.")
        tensors |= {f"ema.{name}": value for name, value in self.ema.average.items()}
        return tensors | {f"spikes.{name}": value for name, value in self.spikes.state.items()}

    def save(self) -> None:
        """Write the checkpoint that a resumed training starts from."""
        tensors = self.state() | optimizer_tensors(self.optimizer) | random_state(self.device)
        sums = self.team.total(self.sums)
        tensors |= {f"sums.{i:02}.{name}": value for i, (name, value) in enumerate(sums.items())}
        progress = dataclasses.replace(self.progress, **self.gradient.kept)
        checkpoint = Checkpoint(tensors, progress, self.config, self.fingerprint)
        self.team.save(checkpoint, self.checkpoint_path)
        self.saved = time.monotonic()

    def save_if_due(self) -> None:
        """Write a checkpoint within an epoch, where the last one is `save_minutes` old."""
        if self.agree_to_save(time.monotonic() - self.saved > 60 * self.settings.save_minutes):
            self.require_finite(self.sums)
            self.save()

    def restore(self) -> None:
        """Bring back the state of the last checkpoint, to the bit.

        Raises:
            UserError: the checkpoint is damaged, or the run's config was changed since.
        """
        checkpoint = self.team.load(self.checkpoint_path, self.state() | optimizer_slots(self.optimizer))
        require_same_config(checkpoint.config, self.config, f"{self.run.path}/config.toml")
        if checkpoint.data != self.fingerprint:
            raise UserError(
                f"The training data is not what {self.run.path} was trained on so far: it was changed since. Bring the "
                "old data back, or start a new run."
            )
        self.progress = checkpoint.progress
        # Before the weights change, so that code is tried on those that it was tried on first.
        self.gradient.restore(self.progress, self.train_part, self.settings, self.num_steps)
        source, tensors = str(self.checkpoint_path), checkpoint.tensors
        load_state(self.model, tensors, source, "model.")
        load_state(self.objective, tensors, source, "objective.")
        for prefix, values in (("ema", self.ema.average), ("spikes", self.spikes.state)):
            for name, value in values.items():
                value.copy_(tensors[f"{prefix}.{name}"])
        restore_optimizer(self.optimizer, tensors)
        restore_random_state(tensors, self.device)
        sums = sorted(name for name in tensors if name.startswith("sums."))
        # They are of all processes; the first one remembers them for all.
        self.sums = {
            name.split(".", 2)[2]: tensors[name].to(self.device) * self.team.is_first for name in sums
        }
        first(lambda: truncate(self.run.path / "metrics.jsonl", self.progress.metrics_bytes))
        self.replay.restore(self.progress.epoch)

    def log(self, record: dict[str, Any]) -> None:
        """Append one line to metrics.jsonl; it counts once the checkpoint that follows knows its length."""

        def append() -> None:
            with open(self.run.path / "metrics.jsonl", "ab") as file:
                file.write((json.dumps(record, allow_nan=False) + "\n").encode())
                file.flush()
                os.fsync(file.fileno())
                self.progress.metrics_bytes = file.tell()

        first(append)


def fit(training: Training, report: Report, interrupt: Interruptible) -> None:
    """Train until no epoch is left or patience runs out.

    Every epoch ends with a checkpoint, a long one has some on its way. A signal never cuts into what is under way: it
    is noticed between two batches, where the state is whole, saved there, and raised as `Interrupted`.

    Raises:
        DivergedError: a term of the loss turned non-finite.
        DataLostError: a file is gone or damaged; all up to there is saved.
    """
    settings, progress, watch = training.settings, training.progress, Watch()
    training.model.train()
    interrupt.deferred, interrupt.agree = True, training.team.agree
    while not progress.is_done:
        started = time.perf_counter()
        batches = training.order_of_epoch().split(settings.batch_size)

        try:
            for index in training.train_part.ahead(training.team.own(batches[progress.step :])):
                training.step(index)
                if progress.step % FINITE_CHECK_EVERY == 0:
                    training.require_finite(training.sums)
                if interrupt.asked():
                    break
                training.save_if_due()
                report.step(progress.epoch + 1, settings.epochs, progress.step, len(batches))
                while training.gradient.notes:
                    report.say(training.gradient.notes.pop())
            training.require_finite(training.sums)
            interrupt.raise_if_requested()
            with training.ema.applied():
                record = training.record(training.validate(interrupt))
                score = selection_score(record["valid"], training.objective.is_steady)
                is_best = score is None or progress.best_score is None or score < progress.best_score
                if is_best:
                    training.keep()
                with training.team.gathered():
                    training.replay.note(training.model, progress.epoch + 1)
        except (Interrupted, DataLostError) as stop:
            # A batch that could not be read has changed nothing yet; of several processes, the others do not know.
            if isinstance(stop, Interrupted) or world() == 1:
                training.save()
            raise

        progress.epoch, progress.step = progress.epoch + 1, 0
        training.sums.clear()
        if is_best:
            progress.best_score, progress.best_epoch = score, progress.epoch
        is_patient = settings.patience is None or progress.epoch - progress.best_epoch < settings.patience
        progress.is_done = progress.epoch >= settings.epochs or not is_patient
        training.log(record | {"is_best": is_best})
        training.save()
        report.epoch(record, settings.epochs, time.perf_counter() - started, is_best)
        for warning in watch.look(training.model, record, settings.epochs):
            report.say(f"Watch: {warning}")
        interrupt.raise_if_requested()
    interrupt.deferred = False


def hash_seed(seed: int, epoch: int) -> int:
    """Neighbouring seeds and epochs give unrelated permutations."""
    return (seed * 1_000_003 + epoch * 7_919 + 17) % 2**63
