"""A model on disk: `config.json` says what it is, `model.safetensors` holds its weights. Loading executes nothing."""

from __future__ import annotations

import hashlib
import importlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_tensors
from safetensors.torch import save as save_tensors
from torch import Tensor, nn

import vaekit
from vaekit.component import from_config, to_config
from vaekit.errors import UserError
from vaekit.files import read_json, refuse_pickle, write_atomic, write_json
from vaekit.model import Model
from vaekit.ranks import full
from vaekit.schema import Schema

__all__ = ["load_model", "save_model"]

FORMAT = 1
ROOMS = (
    "nets",
    "posteriors",
    "priors",
    "likelihoods",
    "objectives",
    "model",
    "hierarchical",
    "ladder",
    "semi_supervised",
)
"""Where the parts that a config may name are defined."""


def import_parts() -> None:
    """Fill the registry with every part of vaekit's own."""
    for room in ROOMS:
        importlib.import_module(f"vaekit.{room}")


def unique_tensors(module: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    """The state of a module as it is, a tensor that is shared under several names only once."""
    state: dict[str, Tensor] = {}
    seen: set[int] = set()
    for name, value in module.state_dict(keep_vars=True).items():
        if id(value) not in seen:
            seen.add(id(value))
            state[prefix + name] = value.detach()
    return state


def unique_state(module: nn.Module, prefix: str = "") -> dict[str, Tensor]:
    """The state of a module, each tensor once, whole, contiguous, on the CPU; processes that share it all take part."""
    return {
        name: full(value).to("cpu").contiguous() for name, value in unique_tensors(module, prefix).items()
    }


def load_state(module: nn.Module, state: dict[str, Tensor], source: str, prefix: str = "") -> None:
    """Copy `state` into a module in place.

    Raises:
        UserError: a tensor is missing, surplus, or of another shape.
    """
    own = module.state_dict(keep_vars=True)
    names = set(unique_tensors(module))
    given = {name[len(prefix) :] for name in state if name.startswith(prefix)}
    if names != given:
        odd = sorted(names ^ given)
        what = "missing" if odd[0] in names else "unknown"
        raise UserError(f"{source} does not hold this model's weights: {odd[0]} is {what}.")
    with torch.no_grad():
        for name in names:
            value = state[prefix + name]
            if value.shape != own[name].shape:
                raise UserError(
                    f"{source}: {name} has shape {tuple(value.shape)}, the model {tuple(own[name].shape)}."
                )
            own[name].copy_(value)


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """The tensors and the metadata of a safetensors file that vaekit wrote.

    Raises:
        UserError: the file is missing, truncated, changed, or not vaekit's.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} could not be read ({error.strerror}).") from None
    try:
        tensors = load_tensors(content)
        header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
        metadata = json.loads(header["__metadata__"]["vaekit"])
    except (SafetensorError, ValueError, KeyError) as error:
        raise UserError(
            f"{path} is truncated or damaged ({error}); restore it from a copy, or train again."
        ) from None
    if metadata.get("digest") != digest(tensors):
        raise UserError(
            f"{path} was changed after vaekit wrote it (its digest differs); restore it from a copy."
        )
    return tensors, metadata


def digest(tensors: dict[str, Tensor]) -> str:
    """sha256 over names, types, shapes and bytes of tensors on the CPU."""
    sha = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name]
        sha.update(f"{name} {value.dtype} {tuple(value.shape)}\n".encode())
        sha.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return sha.hexdigest()


def pack_tensors(tensors: dict[str, Tensor], metadata: dict[str, str] | None = None) -> bytes:
    """The content of a safetensors file whose header carries a digest of its tensors; equal input, equal bytes."""
    # One key only: safetensors writes several in an order that changes from process to process.
    return save_tensors(
        tensors, metadata={"vaekit": json.dumps({**(metadata or {}), "digest": digest(tensors)})}
    )


def save_config(model: Model, folder: Path) -> None:
    """Write `config.json`: what the model is, and the schema of its data."""
    config: dict[str, Any] = {
        "format": FORMAT,
        "vaekit": vaekit.__version__,
        "model": to_config(model),
        "schema": model.schema.to_dict() if model.schema else None,
    }
    write_json(folder / "config.json", config)


def save_weights(model: Model, folder: Path) -> None:
    """Write `model.safetensors`, whole or not at all."""
    write_weights(unique_state(model), folder)


def write_weights(state: dict[str, Tensor], folder: Path) -> None:
    """The same of a state that is whole already."""
    write_atomic(folder / "model.safetensors", pack_tensors(state))


def save_model(model: Model, folder: str | Path) -> None:
    """Write a model that `load_model` can read: `config.json` and `model.safetensors` in `folder`."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    save_config(model, folder)
    save_weights(model, folder)


def load_model(folder: str | Path, device: str | torch.device = "cpu") -> Model:
    """The model in `folder`, ready for use (evaluation mode), on `device`.

    Raises:
        UserError: not a model of vaekit's, or damaged, or made by a newer vaekit.
    """
    folder = Path(folder)
    refuse_pickle(folder)
    if folder.is_file():
        folder = folder.parent
    if not folder.is_dir():
        raise UserError(
            f"{folder} does not exist; pass a run folder that `vaekit train` wrote, such as runs/digits-1."
        )
    config = read_json(folder / "config.json")
    if not isinstance(config, dict) or not {"format", "model"} <= set(config):
        raise UserError(f"{folder / 'config.json'} does not describe a vaekit model.")
    if config["format"] != FORMAT:
        raise UserError(
            f"{folder} has format {config['format']}, this vaekit reads {FORMAT}; install a newer vaekit."
        )
    import_parts()
    model = from_config(config["model"])
    if not isinstance(model, Model):
        raise UserError(f"{folder / 'config.json'} describes a {type(model).__name__}, not a model.")
    tensors, _ = read_tensors(folder / "model.safetensors")
    load_state(model, tensors, str(folder / "model.safetensors"))
    model.schema = Schema.from_dict(config["schema"]) if config.get("schema") else None
    return model.to(device).eval()
