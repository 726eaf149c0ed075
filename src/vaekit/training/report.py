"""Report: what a person sees while a model trains; a live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from rich.console import Console


class Report:
    """Writes to standard error, so that standard output stays free for results.

    Args:
        quiet: write nothing.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        self.console = Console(stderr=True, quiet=quiet, highlight=False, soft_wrap=True)
        self.is_live = self.console.is_terminal and not quiet
        self._shown = 0.0

    def say(self, text: str) -> None:
        """One plain sentence."""
        self._clear()
        self.console.print(text, markup=False)

    def resumed(self, path: Path, done: int, planned: int, is_over: bool) -> None:
        """Where a run that was begun before goes on, or that it does not."""
        if not is_over:
            self.say(f"Resuming {path} after epoch {done} of {planned}.")
            return
        self.say(
            f"{path} is finished already, with {done} of {planned} epochs: nothing is left to train, and its figures "
            "and pictures are made again. For a longer training begin a new run: "
            f"vaekit train --config {path}/config.toml --epochs {2 * planned}"
        )

    def step(self, epoch: int, epochs: int, step: int, steps: int) -> None:
        """The live line inside an epoch."""
        if self.is_live and time.monotonic() - self._shown > 0.1:
            self._shown = time.monotonic()
            width = 24
            bar = "━" * (width * step // steps)
            self.console.file.write(f"\r\x1b[2K  epoch {epoch}/{epochs}  {bar:<{width}} {step}/{steps}")
            self.console.file.flush()

    def epoch(self, record: dict[str, Any], epochs: int, seconds: float, is_best: bool) -> None:
        """One line for a finished epoch."""
        self._clear()
        parts = [f"epoch {record['epoch']:>{len(str(epochs))}}/{epochs}"]
        for part in ("train", "valid"):
            terms = record.get(part)
            if terms:
                shown = {k: v for k, v in terms.items() if k in ("elbo", "distortion", "rate")} or terms
                parts.append(f"{part}: " + "  ".join(f"{k} {v:.2f}" for k, v in shown.items()))
        parts.append(f"{seconds:.1f} s" + ("  *" if is_best else ""))
        self.console.print("   ".join(parts), markup=False)

    def _clear(self) -> None:
        if self.is_live:
            self.console.file.write("\r\x1b[2K")
