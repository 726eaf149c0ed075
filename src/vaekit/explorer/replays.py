"""The replay of a training, as the manifest states it: codes in the plane of the map, reconstructions as they were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from vaekit.explorer.blobs import Blobs
from vaekit.plots.latent_map import principal_plane
from vaekit.training.replay import Frames, read_replay

if TYPE_CHECKING:
    from vaekit.run import Run

__all__ = ["state_replay"]

MAX_BYTES = 250_000
"""Of codes and reconstructions, before they are packed."""


def state_replay(
    run: Run, size: int | None, plane: dict[str, Any] | None, blobs: Blobs
) -> dict[str, Any] | None:
    """The replay of a run; None where it has none.

    Args:
        run: whose folder may hold one.
        size: dimensions D of the map, the last D of those kept; None where there is no map.
        plane: of the map, where D is more than 2.
        blobs: where the numbers go.

    Raises:
        UserError: the file is damaged.
    """
    frames = read_replay(run.path / "replay.safetensors")
    if frames is None:
        return None
    made: dict[str, Any] = {"epoch": list(frames.epochs), "codes": None, "label": None}
    made |= {"inputs": None, "reconstructions": None, "range": None}
    codes = _in_plane(frames, size, plane)
    if codes is not None:
        made["codes"] = blobs.array("replay-codes", codes, "float16", bits=8)
        if frames.label is not None:
            made["label"] = blobs.array("replay-label", frames.label.numpy(), "int32")
    if frames.reconstructions is not None and frames.inputs is not None:
        num = _few_enough(frames.reconstructions[:, 0].numel(), frames.inputs.shape[0])
        if num:
            is_bytes = frames.inputs.dtype == torch.uint8
            dtype, made["range"] = ("uint8", list(frames.span)) if is_bytes else ("float32", None)
            made["inputs"] = blobs.array("replay-inputs", frames.inputs[:num].numpy(), dtype)
            made["reconstructions"] = blobs.array(
                "replay-reconstructions", frames.reconstructions[:, :num].numpy(), dtype
            )
    return made if made["codes"] or made["inputs"] else None


def _in_plane(frames: Frames, size: int | None, plane: dict[str, Any] | None) -> np.ndarray | None:
    """Codes (E, P, 2) as they lie on the map; or else in their two widest directions at the last epoch."""
    if frames.codes is None:
        return None
    codes = frames.codes.numpy().astype(np.float64)
    if size is not None and not frames.is_folded and codes.shape[-1] >= size and (plane is not None or size <= 2):
        codes = codes[..., -size:]
        if plane is not None:
            return (codes - np.asarray(plane["center"])) @ np.asarray(plane["axes"]).T
    elif codes.shape[-1] > 2:
        codes = (codes - codes[-1].mean(0)) @ principal_plane(codes[-1])[0]
    return codes if codes.shape[-1] == 2 else np.concatenate([codes, np.zeros_like(codes)], -1)


def _few_enough(bytes_each: int, num: int) -> int:
    """How many pictures of so many bytes there is room for."""
    return min(num, MAX_BYTES // max(bytes_each, 1))
