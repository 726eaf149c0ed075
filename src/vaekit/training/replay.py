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
from vaekit.likelihoods.log_spectral import LogSpectral, OfSpectrogram
from vaekit.model import Model
from vaekit.training.distributed import first
from vaekit.weights import pack_tensors, read_tensors

if TYPE_CHECKING:
    from vaekit.data import Part
    from vaekit.schema import Schema

NUM_CODES, NUM_PICTURES, MAX_FRAMES = 400, 8, 24
MAX_DIMENSIONS = 64
"""Of a code; those of more are folded into so many numbers."""
MAX_BYTES = 1_900_000
"""Of codes and reconstructions: large images are fewer than 8, or left out."""
MAX_VALUES = 2**23
"""Values of all examples that are kept for it: fewer examples of large ones."""
PIECE = 100
"""Examples that are encoded at once."""


@dataclass(frozen=True)
class Frames:
    """What a replay holds: E epochs of P codes and Q reconstructions.

    Args:
        epochs: increasing.
        codes: (E, P, D) float16, or None.
        label: (P,) classes, or None.
        inputs: (Q, *shape), or None; of images and spectrograms uint8, where 0 and 255 stand for the ends of `span`;
            rows of a table are float32, in the model's units.
        reconstructions: (E, Q, *shape) like them, or None.
        span: values in the model's units.
        is_folded: whether the codes are sums of dimensions, see `folded`.
    """

    epochs: tuple[int, ...]
    codes: Tensor | None
    label: Tensor | None
    inputs: Tensor | None
    reconstructions: Tensor | None
    span: tuple[float, float]
    is_folded: bool = False


class Replay:
    """The codes of a few examples, the same in every epoch, and reconstructions of some of them.

    Which epochs are kept follows from their number alone, so that a resumed training writes the same file. Codes are
    the model's own, discrete ones the vectors that stand for them. Of sound the spectrograms are kept where the model
    is one of spectrograms.

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
        schema, num_dims = part.schema, math.prod(model.latent_shape)
        self.is_folded = num_dims > MAX_DIMENSIONS
        self.spectrogram = model.likelihood.spectrogram if isinstance(model.likelihood, LogSpectral) else None
        is_picture = schema.kind == "image" or self.spectrogram is not None
        self.is_row = schema.kind in ("table", "array") and len(schema.shape) == 1
        shape = schema.shape if self.spectrogram is None else self.spectrogram.out_shape
        room = MAX_BYTES - 2 * MAX_FRAMES * len(self.x) * min(num_dims, MAX_DIMENSIONS)
        num = room // (MAX_FRAMES + 1) // math.prod(shape) // (4 if self.is_row else 1)
        self.shown = first_of_each(self.y, len(self.x), min(num, NUM_PICTURES) if is_picture or self.is_row else 0)
        self.span = (-1.0, 1.0) if self.spectrogram is not None else span_of(schema, self.x)

    def note(self, model: Model, epoch: int) -> None:
        """Keep how the model sees the examples after this epoch, and write the file."""
        if not len(self.x):
            return
        was_training = model.training
        with torch.random.fork_rng([self.x.device] if self.x.is_cuda else []), torch.no_grad():
            model.eval()
            y = self.y if model.needs_labels else None
            pieces = [slice(start, start + PIECE) for start in range(0, len(self.x), PIECE)]
            embedded = [model.embed(self.x[piece], None if y is None else y[piece]) for piece in pieces]
            z = torch.cat(embedded).flatten(1).float().cpu()
            z = folded(z, MAX_DIMENSIONS) if self.is_folded else z
            self.codes.append(z.clamp(-65504, 65504).half())
            if len(self.shown):
                made = self._reconstructed(model, self.x[self.shown], None if y is None else y[self.shown])
                self.reconstructions.append(self._kept(made))
            model.train(was_training)
        self.epochs.append(epoch)
        self._thin()
        first(lambda: write_atomic(self.path, self._packed()))

    def _reconstructed(self, model: Model, x: Tensor, y: Tensor | None) -> Tensor:
        """The mean of p(x|z); of sound its spectrogram, for which no phases have to be found."""
        if self.spectrogram is None:
            return model.reconstruct(x, y)
        px = model.decode(model.embed(x, y), y)
        assert isinstance(px, OfSpectrogram)
        return px.base.mean

    def restore(self, epoch: int) -> None:
        """Go back to what was kept after this epoch; a file that is gone or damaged is begun anew."""
        try:
            frames = read_replay(self.path)
        except UserError:
            frames = None
        if frames is None or not self._continues(frames):
            return
        keep = [i for i, e in enumerate(frames.epochs) if e <= epoch]
        self.epochs = [frames.epochs[i] for i in keep]
        self.codes = [] if frames.codes is None else [frames.codes[i] for i in keep]
        self.reconstructions = (
            [] if frames.reconstructions is None else [frames.reconstructions[i] for i in keep]
        )

    def _continues(self, frames: Frames) -> bool:
        """Whether a file holds what this replay keeps; an older vaekit kept less."""
        num = 0 if frames.inputs is None else len(frames.inputs)
        return frames.codes is not None and frames.is_folded == self.is_folded and num == len(self.shown)

    def _thin(self) -> None:
        """Keep the first epoch, the last, and between them every so many that there are few enough."""
        last, stride = self.epochs[-1], 1
        while last // stride > MAX_FRAMES - 2:
            stride *= 2
        keep = [i for i, e in enumerate(self.epochs) if e in (1, last) or e % stride == 0]
        self.epochs = [self.epochs[i] for i in keep]
        self.codes = [self.codes[i] for i in keep] if self.codes else []
        self.reconstructions = [self.reconstructions[i] for i in keep] if self.reconstructions else []

    def _kept(self, x: Tensor) -> Tensor:
        """Rows as they are, pictures in 256 steps."""
        if self.is_row:
            return x.float().cpu().contiguous()
        low, high = self.span
        return ((x.float() - low) / (high - low) * 255).round().clamp(0, 255).to(torch.uint8).cpu().contiguous()

    def _packed(self) -> bytes:
        tensors = {"codes": torch.stack(self.codes)}
        if self.y is not None:
            tensors["label"] = self.y.cpu().int()
        if self.reconstructions:
            x = self.x[self.shown]
            tensors["inputs"] = self._kept(x if self.spectrogram is None else self.spectrogram(x))
            tensors["reconstructions"] = torch.stack(self.reconstructions)
        notes = {"epochs": self.epochs, "span": self.span, "folded": self.is_folded}
        return pack_tensors(tensors, {name: json.dumps(value) for name, value in notes.items()})


def folded(z: Tensor, size: int) -> Tensor:
    """Codes (P, D) in `size` numbers, (P, size), whose distances are right on average.

    Every dimension is added, with a sign, to one of the numbers: the count sketch of Charikar, Chen and Farach-Colton,
    "Finding frequent items in data streams", 2002. Places and signs are the same in every epoch and training.
    """
    generator = torch.Generator().manual_seed(0)
    place = torch.randint(size, (z.shape[1],), generator=generator)
    sign = torch.randint(2, (z.shape[1],), generator=generator) * 2 - 1
    return z.new_zeros(len(z), size).index_add_(1, place, z * sign)


def span_of(schema: Schema, x: Tensor) -> tuple[float, float]:
    """The values that examples take, (low, high)."""
    low, high = schema.low, schema.high
    if not math.isfinite(high - low):
        low, high = float(x.nan_to_num().min()), float(x.nan_to_num().max())
    return low, high if high > low else low + 1.0


def first_of_each(y: Tensor | None, num: int, most: int = NUM_PICTURES) -> Tensor:
    """Places of at most `most` examples, of as many classes as there are, in the order of their classes."""
    if y is None:
        return torch.arange(max(0, min(most, num)))
    labels = y.tolist()
    turn: list[tuple[int, int, int]] = []
    seen: dict[int, int] = {}
    for place, label in enumerate(labels):
        seen[label] = seen.get(label, 0) + 1
        turn.append((seen[label], label, place))
    chosen = sorted(turn)[: max(0, most)]
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
        is_folded, ends = bool(json.loads(metadata.get("folded", "false"))), (float(span[0]), float(span[1]))
        frames = Frames(tuple(int(e) for e in epochs), **held, span=ends, is_folded=is_folded)
    except (KeyError, TypeError, ValueError, IndexError):
        raise UserError(
            f"{path} is not a replay of this vaekit; delete it, and the explorer does without."
        ) from None
    series = [v for v in (frames.codes, frames.reconstructions) if v is not None]
    if not epochs or any(len(v) != len(epochs) for v in series):
        raise UserError(f"{path} is damaged; delete it, and the explorer does without.")
    return frames
