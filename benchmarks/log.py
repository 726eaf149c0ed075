"""What every benchmark prints first, and where its log goes."""

from __future__ import annotations

import contextlib
import platform
import sys
import time
from collections.abc import Iterator
from pathlib import Path

LOGS = Path(__file__).parent / "logs"


class Tee:
    """Writes to several streams at once."""

    def __init__(self, *streams) -> None:
        self.streams = streams

    def write(self, text: str) -> int:
        for stream in self.streams:
            stream.write(text)
            stream.flush()
        return len(text)

    def flush(self) -> None:
        for stream in self.streams:
            stream.flush()


@contextlib.contextmanager
def logged(name: str) -> Iterator[None]:
    """Within it, standard output also goes to benchmarks/logs/NAME.log, under a header that says what ran where."""
    import torch

    import vaekit

    LOGS.mkdir(exist_ok=True)
    with open(LOGS / f"{name}.log", "w") as file:
        console, sys.stdout = sys.stdout, Tee(sys.stdout, file)
        try:
            print(f"# python {' '.join([Path(sys.argv[0]).name, *sys.argv[1:]])}")
            print(
                f"# vaekit {vaekit.__version__}, torch {torch.__version__}, python {platform.python_version()}"
            )
            print(f"# {machine()}, {torch.get_num_threads()} threads, {time.strftime('%Y-%m-%d')}")
            started = time.perf_counter()
            yield
            print(f"# {time.perf_counter() - started:.0f} s in all")
        finally:
            sys.stdout = console


def machine() -> str:
    """The processor or GPU, in words."""
    import torch

    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    with contextlib.suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":")[1].strip()
    return platform.processor() or platform.machine()
