"""Replay: how codes and reconstructions changed from epoch to epoch, kept small beside the run."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from vaekit.errors import UserError
from vaekit.files import write_atomic
from vaekit.model import VAE, Model
from vaekit.training.distributed import first
from vaekit.weights import pack_tensors, read_tensors

if TYPE_CHECKING:
    from vaekit.data import Part

NUM_CODES, NUM_PICTURES, MAX_FRAMES = 400, 8, 24
MAX_DIMENSIONS, MAX_PIXELS = 64, 3 * 64 * 64
"""Larger codes and images are left out: a replay stays below 2 MB."""
MAX_VALUES = 2**23
"""Values of all examples that are kept for it: fewer examples of large ones."""


@dataclass(frozen=True)
class Frames:
    """What a replay holds: E epochs of P codes and Q reconstructions.

    Args:
        epochs: increasing.
        codes: (E, P, D) float16, or None.
        label: (P,) classes, or None.
        inputs: (Q, *shape) uint8, or None; 0 and 255 stand for the ends of `span`.
        reconstructions: (E, Q, *shape) uint8, or None.
        span: values in the model's units.
    """

    epochs: tuple[int, ...]
    codes: Tensor | None
    label: Tensor | None
    inputs: Tensor | None
    reconstructions: Tensor | None
    span: tuple[float, float]


class Replay:
    """The codes of a few examples, the same in every epoch, and reconstructions of some images.

    Which epochs are kept follows from their number alone, so that a resumed training writes the same file. Nothing
    is kept of discrete codes, and no picture of what is no image.

    Args:
        path: the file.
        model: its schema is set.
        part: held-out examples.
    """

    def __init__(self, path: Path, model: Model, part: Part) -> None:
        self.path, self.epochs = path, list[int]()
        self.codes: list[Tensor] = []
        self.reconstructions: list[Tensor] = []
        generator = torch.Generator().manual_seed(0)
        index = part.order(generator)[: max(NUM_PICTURES, min(NUM_CODES, MAX_VALUES // part.schema.num_features))]
        # Batches may draw a binarization, from a generator of their own: the training must not notice.
        self.x, self.y = part.batch(index, generator)
        schema, support = part.schema, model.posterior.support if isinstance(model, VAE) else "real"
        is_real = support in ("real", "sphere")
        self.has_codes = is_real and math.prod(model.latent_shape) <= MAX_DIMENSIONS
        self.has_pictures = schema.kind == "image" and schema.num_features <= MAX_PIXELS
        self.shown = first_of_each(self.y, len(self.x))
        low, high = (
            (schema.low, schema.high)
            if math.isfinite(schema.high - schema.low)
            else (float(self.x.nan_to_num().min()), float(self.x.nan_to_num().max()))
        )
        self.span = (low, high if high > low else low + 1.0)

    def note(self, model: Model, epoch: int) -> None:
        """Keep how the model sees the examples after this epoch, and write the file."""
        if not (self.has_codes or self.has_pictures) or not len(self.x):
            return
        was_training = model.training
        with torch.random.fork_rng([self.x.device] if self.x.is_cuda else []), torch.no_grad():
            model.eval()
            if self.has_codes:
                z = model.embed(self.x, self.y if model.needs_labels else None).flatten(1)
                self.codes.append(z.clamp(-65504, 65504).half().cpu())
            if self.has_pictures:
                y = self.y[self.shown] if model.needs_labels and self.y is not None else None
                self.reconstructions.append(self._bytes(model.reconstruct(self.x[self.shown], y)))
            model.train(was_training)
        self.epochs.append(epoch)
        self._thin()
        first(lambda: write_atomic(self.path, self._packed()))

    def restore(self, epoch: int) -> None:
        """Go back to what was kept after this epoch; a file that is gone or damaged is begun anew."""
        try:
            frames = read_replay(self.path)
        except UserError:
            frames = None
        if frames is None:
            return
        keep = [i for i, e in enumerate(frames.epochs) if e <= epoch]
        self.epochs = [frames.epochs[i] for i in keep]
        self.codes = [] if frames.codes is None else [frames.codes[i] for i in keep]
        self.reconstructions = (
            [] if frames.reconstructions is None else [frames.reconstructions[i] for i in keep]
        )

    def _thin(self) -> None:
        """Keep the first epoch, the last, and between them every so many that there are few enough."""
        last, stride = self.epochs[-1], 1
        while last // stride > MAX_FRAMES - 2:
            stride *= 2
        keep = [i for i, e in enumerate(self.epochs) if e in (1, last) or e % stride == 0]
        self.epochs = [self.epochs[i] for i in keep]
        self.codes = [self.codes[i] for i in keep] if self.codes else []
        self.reconstructions = [self.reconstructions[i] for i in keep] if self.reconstructions else []

    def _bytes(self, x: Tensor) -> Tensor:
        low, high = self.span
        return ((x.float() - low) / (high - low) * 255).round().clamp(0, 255).to(torch.uint8).cpu()

    def _packed(self) -> bytes:
        tensors: dict[str, Tensor] = {}
        if self.codes:
            tensors["codes"] = torch.stack(self.codes)
            if self.y is not None:
                tensors["label"] = self.y.cpu().int()
        if self.reconstructions:
            tensors["inputs"] = self._bytes(self.x[self.shown])
            tensors["reconstructions"] = torch.stack(self.reconstructions)
        return pack_tensors(tensors, {"epochs": json.dumps(self.epochs), "span": json.dumps(self.span)})


def first_of_each(y: Tensor | None, num: int) -> Tensor:
    """Places of a few examples, of as many classes as there are, in the order of their classes."""
    if y is None:
        return torch.arange(min(NUM_PICTURES, num))
    labels = y.tolist()
    turn: list[tuple[int, int, int]] = []
    seen: dict[int, int] = {}
    for place, label in enumerate(labels):
        seen[label] = seen.get(label, 0) + 1
        turn.append((seen[label], label, place))
    chosen = sorted(turn)[:NUM_PICTURES]
    return torch.tensor([place for _, _, place in sorted(chosen, key=lambda t: t[1:])], dtype=torch.long)


def read_replay(path: Path) -> Frames | None:
    """The replay of a run; None where there is none.

    Raises:
        UserError: the file is damaged.
    """
    if not path.exists():
        return None
    tensors, metadata = read_tensors(path)
    try:
        epochs, span = json.loads(metadata["epochs"]), json.loads(metadata["span"])
        held = {name: tensors.get(name) for name in ("codes", "label", "inputs", "reconstructions")}
        frames = Frames(tuple(int(e) for e in epochs), **held, span=(float(span[0]), float(span[1])))
    except (KeyError, TypeError, ValueError, IndexError):
        raise UserError(
            f"{path} is not a replay of this vaekit; delete it, and the explorer does without."
        ) from None
    series = [v for v in (frames.codes, frames.reconstructions) if v is not None]
    if not epochs or any(len(v) != len(epochs) for v in series):
        raise UserError(f"{path} is damaged; delete it, and the explorer does without.")
    return frames
