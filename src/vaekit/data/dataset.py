"""Part and Dataset: raw values resident in their own type, turned into float batches when asked for."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from vaekit.errors import UserError
from vaekit.schema import Schema


@dataclass(eq=False)
class Part:
    """One of train, valid and test.

    Args:
        raw: (N, *shape), values as the source has them: uint8, int32 (for 16-bit integers), float32, or float64
            for a table.
        y: (N,) int64 labels, or None.
        names: file names, where the source has them.
        schema: what one example is.
        binarize: "dynamic" draws each value anew in every batch, with x as its probability.
        seed: seeds the draws of `batches`.
        factors: (N, F) int64 indices of the known factors of variation, where the source has them.

    Example:
        >>> schema = Schema("image", (1, 1, 2), 0.0, 1.0, levels=256, scale=255.0, dtype="uint8")
        >>> part = Part(torch.tensor([[[[0, 255]]]], dtype=torch.uint8), None, None, schema)
        >>> part.batch(torch.tensor([0]))[0].tolist()
        [[[[0.0, 1.0]]]]
    """

    raw: Tensor
    y: Tensor | None
    names: list[str] | None
    schema: Schema
    binarize: Literal["none", "dynamic"] = "none"
    seed: int = 0
    factors: Tensor | None = None
    _affine: tuple[Tensor | float, Tensor | float] | None = field(default=None, init=False, repr=False)

    def __len__(self) -> int:
        return self.raw.shape[0]

    @property
    def device(self) -> torch.device:
        """Where the raw values are, and so where batches are made."""
        return self.raw.device

    @property
    def is_held(self) -> bool:
        """Whether `raw` holds all values, and they are not in files."""
        return len(self.raw) == len(self)

    @property
    def nbytes(self) -> int:
        """Bytes of the raw values."""
        return self.raw.numel() * self.raw.element_size()

    def read(self, index: Tensor) -> Tensor:
        """Raw values (B, *shape) at `index`, (B,) int64 positions."""
        return self.raw.index_select(0, index.to(self.raw.device))

    def raws(self, size: int) -> Iterator[Tensor]:
        """All raw values in order, `size` examples at a time."""
        for start in range(0, len(self), size):
            yield self.raw[start : start + size]

    def spread(self, number: int) -> Tensor:
        """Raw values of up to `number` examples from all over the part, always the same ones."""
        return self.read(torch.linspace(0, len(self) - 1, min(len(self), number)).long())

    def order(self, generator: torch.Generator | None = None) -> Any:
        """Every position once in random order: a tensor (N,), or what can be sliced and split like one."""
        return torch.randperm(len(self), generator=generator)

    def ahead(self, indices: Iterable[Tensor]) -> Iterator[Tensor]:
        """The same index tensors; a part in files begins to read what the next ones need."""
        return iter(indices)

    def few(self, limit: int, seed: int = 0) -> Part:
        """A seeded random subset of at most `limit` examples, in order; files are often sorted by class."""
        if limit >= len(self):
            return self
        return self.take(self.order(torch.Generator().manual_seed(seed))[:limit].sort().values)

    def in_memory(self, limit: int, seed: int = 0) -> Part:
        """Itself; of a part in files, `limit` random examples or as many as are not too large, in memory."""
        return self

    def batch(self, index: Tensor, generator: torch.Generator | None = None) -> tuple[Tensor, Tensor | None]:
        """The examples at `index`, as the model sees them.

        Args:
            index: (B,) int64 positions.
            generator: draws the dynamic binarization; the default generator when None.

        Returns:
            x of shape (B, *shape), float32, and the labels (B,) or None.
        """
        x = self._x(self.read(index), generator)
        return x, None if self.y is None else self.y.index_select(0, index.to(self.y.device)).long()

    def batches(self, batch_size: int) -> Iterator[tuple[Tensor, Tensor | None]]:
        """All examples in order, the last batch shorter; dynamic binarization draws the same values each time.

        Args:
            batch_size: number of examples B of one batch.
        """
        # On the CPU, so that one seed draws the same values on every device.
        generator = torch.Generator().manual_seed(self.seed) if self.binarize == "dynamic" else None
        start = 0
        for raw in self.raws(batch_size):
            rows = slice(start, start + len(raw))
            start += len(raw)
            yield self._x(raw, generator), None if self.y is None else self.y[rows].long()

    def to(self, device: str | torch.device) -> Part:
        """The same part with its values resident on `device`."""

        def move(t: Tensor | None) -> Tensor | None:
            return None if t is None else t.to(device)

        # Apple's GPUs know no double precision.
        raw = (
            self.raw.float()
            if torch.device(device).type == "mps" and self.raw.is_floating_point()
            else self.raw
        )
        return dataclasses.replace(self, raw=raw.to(device), y=move(self.y), factors=move(self.factors))

    def take(self, index: Tensor) -> Part:
        """The part that holds only the examples at `index`, in that order."""
        index = index.to(self.raw.device)
        return dataclasses.replace(
            self,
            raw=self.raw[index],
            y=None if self.y is None else self.y[index],
            names=None if self.names is None else [self.names[i] for i in index.tolist()],
            factors=None if self.factors is None else self.factors[index],
        )

    def _x(self, raw: Tensor, generator: torch.Generator | None) -> Tensor:
        """Raw values (B, *shape) to x, float32."""
        if self.binarize == "dynamic":
            return bernoulli(raw, self.schema.scale, generator).float()
        offset, scale = self._offset_and_scale()
        # Copies always: a caller may change its batch in place, and must not change the data.
        # Tables are kept in double precision: dates and large whole numbers lose digits before the offset is off.
        x = raw.to(torch.float64 if raw.dtype == torch.float64 else torch.float32, copy=True)
        if isinstance(offset, Tensor) or offset != 0.0:
            x -= offset
        if isinstance(scale, Tensor) or scale != 1.0:
            x /= scale
        return x.float()

    def _offset_and_scale(self) -> tuple[Tensor | float, Tensor | float]:
        if self._affine is None:
            self._affine = (self._affine_value(self.schema.offset), self._affine_value(self.schema.scale))
        return self._affine

    def _affine_value(self, value: float | tuple[float, ...]) -> Tensor | float:
        if isinstance(value, tuple):
            dtype = torch.float64 if self.raw.dtype == torch.float64 else torch.float32
            return torch.tensor(value, dtype=dtype, device=self.raw.device).view(self.schema.shape)
        return float(value)


def bernoulli(raw: Tensor, scale: float | tuple[float, ...], generator: torch.Generator | None) -> Tensor:
    """Bool draws, each true with probability `raw / scale`; exact for integers."""
    if isinstance(scale, tuple):
        raise UserError(
            "Only data in one common range can be binarized; this data has one scale per feature."
        )
    device = raw.device if generator is None else generator.device
    if raw.is_floating_point():
        u = torch.rand(raw.shape, generator=generator, device=device).to(raw.device)
        return u * scale < raw
    # raw > u for u uniform over the `scale` integers below it holds with probability raw / scale, without floats.
    u = torch.empty(raw.shape, dtype=raw.dtype, device=device).random_(0, int(scale), generator=generator)
    return raw > u.to(raw.device)


@dataclass(eq=False)
class Dataset:
    """A schema and the three parts, what to call it again, and what its owner should know.

    Args:
        schema: what one example is; the same for all parts.
        train, valid, test: the parts; valid and test may be None.
        source: JSON-ready arguments with which `open_data` opens the same data again.
        notes: sentences worth telling the user: how the split was made, files skipped, sizes changed.
        factor_names: names of the columns of `Part.factors`.
        split: the sentence that says how the parts were made.
    """

    schema: Schema
    train: Part
    valid: Part | None
    test: Part | None
    source: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    factor_names: tuple[str, ...] = ()
    split: str = ""
    sizes: dict[str, int] = field(init=False)
    """Examples of each part, counted before any were `spared`."""

    def __post_init__(self) -> None:
        self.sizes = {name: len(part) for name, part in self.parts.items()}

    @property
    def parts(self) -> dict[str, Part]:
        """The parts that exist, by name."""
        named = {"train": self.train, "valid": self.valid, "test": self.test}
        return {name: part for name, part in named.items() if part is not None}

    @property
    def streamed(self) -> str:
        """The sentence that says how data in files is read; empty where all is in memory."""
        return next((note for note in self.notes if note.startswith("Streamed: ")), "")

    @property
    def factors(self) -> dict[str, Tensor]:
        """Known factors of variation, (N, F) int64 for each part; empty when the source has none."""
        return {name: part.factors for name, part in self.parts.items() if part.factors is not None}

    def to(self, device: str | torch.device) -> Dataset:
        """The same data, resident on `device`."""
        parts: dict[str, Any] = {name: part.to(device) for name, part in self.parts.items()}
        return dataclasses.replace(self, **parts)

    def spared(self, num: int) -> Dataset:
        """With `num` random examples of the training part, where it is in memory and there are others to measure on.

        What is not needed once the training is over need not lie beside what comes then.
        """
        if len(self.parts) == 1 or not self.train.is_held or len(self.train) <= num:
            return self
        some = torch.randperm(len(self.train), generator=torch.Generator().manual_seed(0))[:num]
        few = dataclasses.replace(self, train=self.train.take(some))
        few.sizes = self.sizes
        return few

    def describe(self) -> dict[str, Any]:
        """JSON-ready facts for `vaekit check`: counts, ranges, labels, the split, oddities."""
        from vaekit.data.describe import describe

        return describe(self)
