"""Run: the folder that holds everything about one training: config, metrics, pictures, model, checkpoints."""

from __future__ import annotations

import json
import os
import shutil
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w

from vaekit.errors import UserError
from vaekit.files import read_json, refuse_pickle, write_atomic
from vaekit.schema import Schema

if TYPE_CHECKING:
    import torch

    from vaekit.data import Dataset
    from vaekit.model import Model


class Run:
    """A run folder.

    ```
    config.toml         what was asked for, resolved; `vaekit train --config` repeats it
    env.json            machine, versions, command
    config.json         the model's parts and their arguments, its schema
    model.safetensors   the best checkpoint: the weights of the epoch with the best validation score
    checkpoints/        last.safetensors to resume from
    metrics.jsonl       a line an epoch: every term in nats
    replay.safetensors  codes and reconstructions of a few examples, epoch by epoch
    results.json        the final figures on the test part
    plots/  README.md   pictures and the model card
    ```

    Args:
        path: the folder, which exists.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def __repr__(self) -> str:
        return f"Run({str(self.path)!r})"

    @classmethod
    def create(cls, out: str | Path | None, name: str, config: dict[str, Any]) -> Run:
        """A new folder: `out` itself, or the next free `runs/NAME-N`. It appears whole, with its config, or not at all.

        Raises:
            UserError: `out` exists and holds something, or cannot be written.
        """
        parent, target = (Path("runs"), None) if out is None else (Path(out).parent, Path(out))
        if target is not None and target.exists() and (not target.is_dir() or any(target.iterdir())):
            raise UserError(
                f"{target} already exists and nothing is written over; choose another --out, or continue "
                f"it with `vaekit train --resume {target}`."
            )
        try:
            parent.mkdir(parents=True, exist_ok=True)
            staging = parent / f".{name}.{os.getpid()}.tmp"
            staging.mkdir()
        except OSError as error:
            raise UserError(
                f"{parent} cannot be written ({error.strerror}); choose another folder with --out."
            ) from None
        try:
            (staging / "checkpoints").mkdir()
            (staging / "plots").mkdir()
            write_atomic(staging / "config.toml", tomli_w.dumps(_without_none(config)).encode())
            numbered = (parent / f"{name}-{number}" for number in range(1, 1_000_000))
            for candidate in [target] if target is not None else numbered:
                if target is None and candidate.exists():
                    continue
                try:
                    os.rename(staging, candidate)
                    return cls(candidate)
                except OSError:
                    continue  # another process took the name in between
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        raise UserError(f"No run folder could be made in {parent}; choose another --out.")

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """An existing run, or a folder that holds a model alone.

        Raises:
            UserError: there is neither at `path`.
        """
        path = Path(path)
        refuse_pickle(path)
        if not (path / "config.toml").is_file() and not (path / "model.safetensors").is_file():
            what = (
                "holds no config.toml"
                if path.is_dir()
                else "is a file"
                if path.exists()
                else "does not exist"
            )
            raise UserError(f"{path} is not a run folder ({what}); `vaekit runs` lists them.")
        return cls(path)

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def config(self) -> dict[str, Any]:
        """What was asked for: data, recipe, training, run; empty for a model alone."""
        path = self.path / "config.toml"
        return read_toml(path) if path.exists() else {}

    @property
    def results(self) -> dict[str, Any]:
        """The final figures; empty while the run is unfinished."""
        path = self.path / "results.json"
        return read_json(path) if path.exists() else {}

    @property
    def schema(self) -> Schema:
        """What the model was trained on.

        Raises:
            UserError: config.json is missing or damaged.
        """
        config = read_json(self.path / "config.json")
        if not isinstance(config, dict) or not isinstance(config.get("schema"), dict):
            raise UserError(f"{self.path / 'config.json'} does not state the schema of the model's data.")
        return Schema.from_dict(config["schema"])

    @property
    def is_finished(self) -> bool:
        return (self.path / "results.json").exists()

    def metrics(self) -> list[dict[str, Any]]:
        """The lines of metrics.jsonl, one an epoch; an unfinished last line is left out."""
        path = self.path / "metrics.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]

    def load_model(self, device: str | torch.device = "cpu") -> Model:
        """The trained model, its best weights, in evaluation mode."""
        from vaekit.weights import load_model

        return load_model(self.path, device)

    def load_data(self) -> Dataset:
        """The data that the run was trained on, split as it was."""
        from vaekit.data import open_data

        if "data" not in self.config:
            raise UserError(f"{self.path} holds a model and not what it was trained on; name the data to use.")
        return open_data(**self.config["data"])

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for writing.

        Raises:
            UserError: another process is writing it.
        """
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.path / ".lock", timeout=0):
                yield
        except Timeout:
            raise UserError(
                f"{self.path} is being written by another process; wait for it, or choose another --out."
            ) from None


def read_toml(path: Path) -> dict[str, Any]:
    """Read TOML.

    Raises:
        UserError: the file is missing, or is not TOML.
    """
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"{path} could not be read ({error.strerror}).") from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path} is not valid TOML: {error}.") from None


def _without_none(value: Any) -> Any:
    """TOML has no null: an absent key means None."""
    if isinstance(value, dict):
        return {k: _without_none(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [_without_none(v) for v in value]
    return value
