"""Output files: their kind is their suffix, they appear whole, and nothing is written over unless --force says so."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vaekit.errors import UserError, did_you_mean
from vaekit.files import write_atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from torch import Tensor

    from vaekit.schema import Schema

ADVICE = "free space or choose another place with -o"


@dataclass(frozen=True)
class Output:
    """Where a result goes; made before the work starts, so that a bad name costs no time."""

    path: Path

    @classmethod
    def plan(cls, given: str | None, default: str, suffixes: Sequence[str], *, force: bool = False) -> Output:
        """The file that the user named, or the next free `default` in the current folder.

        Raises:
            UserError: an unknown suffix, a file that exists, or a folder that cannot be written.
        """
        path = next_free(default) if given is None else Path(given).expanduser()
        suffix = path.suffix.lower()
        if "/" in suffixes and given is not None and not suffix:
            if path.is_file() or (path.is_dir() and any(path.iterdir()) and not force):
                raise UserError(f"{path} already exists; name a new folder for the clips, or pass --force.")
        elif suffix not in suffixes:
            came = f'"{suffix}" came' if suffix else "none came"
            hint = did_you_mean(suffix, suffixes) if suffix else ""
            hint = hint if hint.startswith("Did") else ""
            raise UserError(f"The output's suffix says what it is: {', '.join(suffixes)}; {came}. {hint}".strip())
        elif path.is_dir():
            raise UserError(f"{path} is a folder; name a file.")
        if path.is_file() and not force:
            raise UserError(f"{path} already exists and is not written over; choose another name, or pass --force.")
        folder = next(p for p in path.absolute().parents if p.exists())
        if not folder.is_dir() or not os.access(folder, os.W_OK):
            raise UserError(f"{path} cannot be written, because {folder} is not a folder that you may write to.")
        return cls(path)

    @property
    def suffix(self) -> str:
        return self.path.suffix.lower()

    def make_folder(self) -> None:
        """Make the folder that the file goes to.

        Raises:
            UserError: it cannot be made.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(f"{self.path.parent} could not be made ({error.strerror}); {ADVICE}.") from None

    def write(self, content: bytes) -> str:
        """Write the whole file or nothing; returns its path."""
        self.make_folder()
        write_atomic(self.path, content, ADVICE)
        return str(self.path)

    def write_figure(self, figure: Figure) -> str:
        """A picture, as PNG."""
        from tempfile import TemporaryDirectory

        from vaekit.plots import save

        with TemporaryDirectory() as folder:
            return self.write(save(figure, Path(folder) / "picture.png").read_bytes())

    def write_arrays(self, main: str, arrays: Mapping[str, Any], columns: Mapping[str, Sequence[Any]]) -> str:
        """Arrays as .npy (the one named `main`), .npz (all of them), .csv or .parquet (its rows, behind `columns`)."""
        if self.suffix == ".npz":  # its arrays need not be of one length
            import numpy as np

            content = io.BytesIO()
            np.savez(content, **arrays)
            return self.write(content.getvalue())
        from vaekit.cli.sink import sink

        with sink(self, main, len(arrays[main])) as out:
            out.write(columns, arrays)
        return str(self.path)

    def write_frame(self, frame: Any) -> str:
        """A polars frame as .csv, .tsv or .parquet."""
        from vaekit.data.table_text import table_bytes

        return self.write(table_bytes(frame, self.suffix))


def next_free(default: str) -> Path:
    """`default` in the current folder, with -2, -3, ... before its suffix where it is taken."""
    path = Path(default)
    number = 1
    while path.exists():
        number += 1
        path = Path(default).with_stem(f"{Path(default).stem}-{number}")
    return path


def in_data_units(x: Tensor, schema: Schema) -> Any:
    """x (N, *event) of the model as the data has it: its units, and its type where that is a grid of integers."""
    import numpy as np
    import torch

    if schema.kind == "table":
        from vaekit.data.table_text import to_raw

        return to_raw(x, schema)
    raw = x.double().cpu() * affine(schema.scale, schema) + affine(schema.offset, schema)
    if schema.levels is None or schema.is_binary:
        return raw.to(torch.float32).numpy()
    return raw.round().clamp(0, schema.levels - 1).numpy().astype(np.uint8 if schema.levels <= 256 else np.uint16)


def affine(value: float | tuple[float, ...], schema: Schema) -> Any:
    """A schema's offset or scale, ready to broadcast against (N, *event)."""
    import torch

    if isinstance(value, tuple):
        return torch.tensor(value, dtype=torch.float64).view(schema.shape)
    return 1.0 if schema.is_binary and value > 1 else value  # a binarized grey value is a probability
