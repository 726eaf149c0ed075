"""Settings: how a model is trained; a recipe proposes them, its user overrides them. Imports no torch."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any, Literal

from vaekit.errors import UserError


@dataclass(frozen=True)
class Settings:
    """How a model is trained.

    Args:
        epochs: passes over the training part.
        batch_size: examples a step; "auto" measures which size the device works off fastest.
        learning_rate: the optimizer's rate, the highest one where a schedule changes it.
        optimizer: "adam" (Kingma and Ba, 2015), "adamw" (Loshchilov and Hutter, 2019), or "muon" (Jordan et al., 2024),
            which needs far fewer steps where layers are dense, and two to three times the work a step.
        weight_decay: decoupled decay of AdamW and Muon, or the L2 penalty's weight of Adam.
        adam_beta2: decay of Adam's average of squared gradients; a shorter memory, 0.99, suits short trainings.
        schedule: "constant", or "cosine" or "linear" down to 1 % of the rate at the last step.
        warmup_steps: steps over which the rate rises from zero.
        clip_norm: largest global norm of the gradient; None for no clipping.
        skip_spikes: a step whose gradient norm exceeds this many times its running mean is skipped; None to take all.
        ema: decay of the moving average of the weights, which is then what is validated and kept; 0 for none.
        precision: of the networks while training: "float32", "bfloat16", or "auto": bfloat16 where the device has units
            for it and the model is large enough to gain. Densities, KL and every evaluation stay in float32.
        compile: generate code for the step: "always", "never", or "auto": where the run is long enough to repay it.
        micro_batch: at most so many examples pass through the networks at once, and the gradients of a batch add up
            (accumulation); None for whole batches, which are halved by themselves where they do not fit in memory.
        recompute: keep the networks' activations of block borders alone and compute the others again for the gradient:
            less memory for about a third more work (Chen et al., 2016).
        draws: of several processes: "same", those that one process would make, whatever their number; "own", quicker
            where there are hundreds, noise of each process's own.
        shard: of several processes, each keeps a part of the weights, gradients and optimizer state, for models that do
            not fit into one device (FSDP).
        save_minutes: between checkpoints within an epoch, from which a killed training continues; every epoch ends with
            one.
        patience: epochs without a better validation score after which training stops; None to run all epochs.
    """

    epochs: int = 50
    batch_size: int = 128
    learning_rate: float = 1e-3
    optimizer: Literal["adam", "adamw", "muon"] = "adam"
    weight_decay: float = 0.0
    adam_beta2: float = 0.999
    schedule: Literal["constant", "cosine", "linear"] = "constant"
    warmup_steps: int = 0
    clip_norm: float | None = None
    skip_spikes: float | None = None
    ema: float = 0.0
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    compile: Literal["auto", "always", "never"] = "auto"
    micro_batch: int | None = None
    recompute: bool = False
    draws: Literal["same", "own"] = "same"
    shard: bool = False
    save_minutes: float = 10.0
    patience: int | None = None

    def adapted(self, num_examples: int, overrides: dict[str, Any]) -> Settings:
        """With the user's own choices; a batch size that nobody chose is no larger than the training part."""
        own = {"batch_size": min(self.batch_size, num_examples), **overrides}
        return dataclasses.replace(self, **own)

    def __post_init__(self) -> None:
        at_least = {"epochs": 1, "batch_size": 1, "weight_decay": 0, "warmup_steps": 0, "save_minutes": 0}
        for name, low in at_least.items():
            if not low <= getattr(self, name) < math.inf:
                raise UserError(f"{name} must be at least {low}; {getattr(self, name)} came.")
        for name in ("learning_rate", "clip_norm", "patience", "skip_spikes", "micro_batch"):
            value = getattr(self, name)
            if value is not None and not 0 < value < math.inf:
                raise UserError(f"{name} must be above 0 and finite; {value} came.")
        if self.optimizer == "muon" and self.shard:
            raise UserError("optimizer muon needs whole matrices; with shard, take optimizer adam or adamw.")
        if not 0 <= self.ema < 1:
            raise UserError(f"ema must be at least 0 and below 1; {self.ema} came.")
        if not 0 < self.adam_beta2 < 1:
            raise UserError(f"adam_beta2 must lie between 0 and 1; {self.adam_beta2} came.")
