"""Models too large for one device: their weights in shards (FSDP), and checkpoints in shards that any number reads."""

from __future__ import annotations

import dataclasses
import json
import shutil
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.distributed.checkpoint import HuggingFaceStorageReader, HuggingFaceStorageWriter
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from vaekit.errors import UserError
from vaekit.files import read_json, write_json
from vaekit.ranks import full, world
from vaekit.training.checkpoint import Checkpoint, Progress

SMALLEST, LARGEST = 1 / 1000, 1 / 10
"""Share of a model's weights that are gathered at a time: fewer are not worth a message, more cost memory."""


def units(model: nn.Module, run: Callable[[], Any]) -> list[nn.Module]:
    """Parts of a model whose weights can be away while they do not work: they are called as modules, and return nothing
    but tensors, so that it is known when their work is done and when their gradient comes.

    Args:
        model: with all its weights.
        run: passes something through it.
    """
    called: dict[nn.Module, bool] = {}

    def note(module: nn.Module, args: Any, output: Any) -> None:
        values = output if isinstance(output, list | tuple) else [output]
        are_tensors = all(
            isinstance(v, Tensor) and not v._is_view() for v in values
        )  # FSDP's hooks do not see views
        called[module] = called.get(module, True) and are_tensors

    hooks = [module.register_forward_hook(note) for module in model.modules()]
    try:
        run()
    finally:
        for hook in hooks:
            hook.remove()
    return _within(model, called, sum(p.numel() for p in model.parameters()))


def _within(module: nn.Module, called: dict[nn.Module, bool], total: int) -> list[nn.Module]:
    """The units of a module: itself where it is one and not too large, else those of its children."""
    size = sum(p.numel() for p in module.parameters())
    if size < SMALLEST * total:
        return []
    below = [unit for child in module.children() for unit in _within(child, called, total)]
    return [module] if called.get(module) and (size <= LARGEST * total or not below) else below


def shard(score: nn.Module, parts: list[nn.Module], device: torch.device) -> nn.Module:
    """Spread the weights over the processes, one on a device each, every part gathered when it works; the rest, which
    is little, when `score` does."""
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(device.type, (world(),))
    single = {
        p for p in score.parameters() if not p.ndim
    }  # a number cannot be in shards; every process keeps it
    for part in dict.fromkeys(parts):
        fully_shard(part, mesh=mesh, ignored_params=single)
    # The weights are seen between steps too, by averages and checkpoints, and are in shards then.
    fully_shard(score, mesh=mesh, reshard_after_forward=True, ignored_params=single)
    for p in single:
        p.data = p.data.to(device.type)
        if p.requires_grad:
            p.register_post_accumulate_grad_hook(_average)
    return score


def _average(p: Tensor) -> None:
    """The mean of the processes' gradients, as weights in shards get it."""
    assert p.grad is not None
    dist.all_reduce(p.grad)
    p.grad /= world()


def clip(parameters: Iterable[nn.Parameter], most: float) -> Tensor:
    """Scale gradients, some of them in shards, to a global norm of at most `most`; gives the norm that they had."""
    given = [p for p in parameters if p.grad is not None]
    kinds = [
        kind for test in (True, False) if (kind := [p for p in given if hasattr(p, "full_tensor") == test])
    ]
    norms = [get_total_norm([p.grad for p in kind if p.grad is not None]) for kind in kinds]
    norm = torch.stack([full(each) for each in norms]).norm()
    for kind in kinds:
        clip_grads_with_norm_(kind, most, norm)
    return norm


# Checkpoints: two folders in turn, and a file that says which one counts.


def save(checkpoint: Checkpoint, path: Path, first: Callable[[Callable[[], Any]], str]) -> None:
    """Write a checkpoint, each process its own shards, as safetensors; a kill at any moment leaves the old or the new.

    Args:
        checkpoint: its tensors may be in shards.
        path: of the file that names the folder, last.json.
        first: lets the first process do something for all.

    Raises:
        UserError: it could not be written.
    """
    folder = path.parent / first(lambda: _other_folder(path))
    try:
        writer = HuggingFaceStorageWriter(str(folder), save_distributed=True)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # that this is one process, where it is
            dcp.save(checkpoint.tensors, storage_writer=writer, no_dist=world() == 1)
    except (OSError, dcp.api.CheckpointException) as error:
        raise UserError(
            f"{folder} could not be written ({error}); free space, then continue with --resume."
        ) from error
    stated = {
        "folder": folder.name,
        "progress": dataclasses.asdict(checkpoint.progress),
        "config": checkpoint.config,
        "data": checkpoint.data,
    }
    first(lambda: write_json(path, stated))


def load(path: Path, like: dict[str, Tensor]) -> Checkpoint:
    """Read a checkpoint that any number of processes wrote; tensors of `like` come in its shards, others whole.

    Raises:
        UserError: it is missing or damaged.
    """
    stated = read_json(path)
    try:
        folder, progress = path.parent / stated["folder"], Progress(**stated["progress"])
        config, data = stated["config"], stated["data"]
    except (KeyError, TypeError):
        raise UserError(f"{path} is not a training checkpoint of this vaekit.") from None
    try:
        reader = HuggingFaceStorageReader(str(folder))
        known = reader.read_metadata().state_dict_metadata
        tensors: dict[str, Any] = {
            name: torch.empty_like(like[name])
            if name in like
            else torch.empty(about.size, dtype=about.properties.dtype)  # type: ignore[union-attr]
            for name, about in known.items()
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            dcp.load(tensors, storage_reader=reader, no_dist=world() == 1)
    except (OSError, SafetensorError, json.JSONDecodeError, dcp.api.CheckpointException) as error:
        raise UserError(
            f"{folder} is truncated or damaged ({error}); restore it from a copy, or train again."
        ) from None
    return Checkpoint(tensors, progress, config, data)


def _other_folder(path: Path) -> str:
    """The name of the folder that does not count, emptied."""
    counts = json.loads(path.read_text()).get("folder") if path.exists() else None
    name = "last-b" if counts == "last-a" else "last-a"
    shutil.rmtree(path.parent / name, ignore_errors=True)
    (path.parent / name).mkdir()
    return name
