"""Install vaekit, editable, into the environment that runs this script; no CUDA comes where no GPU is.

Standard library only. `python scripts/install.py dev` installs the extra "dev" too. `VAEKIT_PIP_ARGS` is handed
to every call of pip, for example `VAEKIT_PIP_ARGS="--index-url https://mirror.example/simple"`.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
CPU_INDEX_TIMEOUT = 3.0  # seconds: an answer that takes longer would make the download slow as well


def torch_bounds(pyproject: str) -> str:
    """The version bounds of torch in a pyproject.toml: ">=2.8,<2.14"."""
    for requirement in tomllib.loads(pyproject)["project"]["dependencies"]:
        if match := re.fullmatch(r"torch\s*([<>=!~].*)", requirement.strip()):
            return match[1].replace(" ", "")
    raise SystemExit("scripts/install.py: pyproject.toml states no bounds for torch.")


def release(version: str) -> tuple[int, ...]:
    """The numbers of a version, "2.13.0+cpu" as (2, 13, 0)."""
    return tuple(int(n) for n in re.findall(r"\d+", version.partition("+")[0])[:3])


def is_within(version: str, bounds: str) -> bool:
    """Whether a version keeps bounds that are made of >= and <."""
    for bound in bounds.split(","):
        low, high = re.fullmatch(r">=([\d.]+)", bound), re.fullmatch(r"<([\d.]+)", bound)
        if low and not release(version) >= release(low[1]):
            return False
        if high and not release(version) < release(high[1]):
            return False
    return True


def newest_cpu_build(listing: str, bounds: str) -> str | None:
    """The newest "+cpu" version within the bounds in what `pip index versions torch` prints."""
    line = next((line for line in listing.splitlines() if line.startswith("Available versions:")), "")
    versions = [v.strip() for v in line.partition(":")[2].split(",")]
    offered = [v for v in versions if v.endswith("+cpu") and is_within(v, bounds)]
    return max(offered, key=release, default=None)


def has_nvidia_gpu() -> bool:
    """Whether this machine has an NVIDIA GPU that its driver knows."""
    if os.path.exists("/dev/nvidia0") or os.path.exists("/proc/driver/nvidia/version"):
        return True
    smi = shutil.which("nvidia-smi")
    if smi is None:
        return False
    try:
        listed = subprocess.run([smi, "-L"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return listed.returncode == 0 and "GPU" in listed.stdout


def installed_torch() -> str | None:
    try:
        return importlib.metadata.version("torch")
    except importlib.metadata.PackageNotFoundError:
        return None


def pip(*arguments: str, capture: bool = False) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", *arguments, *shlex.split(os.environ.get("VAEKIT_PIP_ARGS", ""))]
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
    return subprocess.run(command, env=environment, text=True, capture_output=capture, check=False)


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=CPU_INDEX_TIMEOUT) as reply:
            return bool(reply.status == 200)
    except (OSError, urllib.error.URLError, ValueError):
        return False


def torch_arguments(bounds: str) -> tuple[list[str], str]:
    """pip's arguments for the torch that suits this machine, none where pip's own choice does; and why.

    On macOS and Windows the ordinary build is free of CUDA; on Linux it brings gigabytes of it.
    """
    if (version := installed_torch()) and is_within(version, bounds):
        return [], f"torch {version} is here already."
    if platform.system() != "Linux":
        return [], "The ordinary build of torch."
    if has_nvidia_gpu():
        return [], "An NVIDIA GPU is here: the ordinary build of torch, with CUDA."
    listed = pip("index", "versions", "torch", "--retries", "1", capture=True)
    if build := newest_cpu_build(listed.stdout, bounds):
        return [f"torch=={build}"], f"No NVIDIA GPU: torch {build}, which pip's own sources offer."
    if answers(f"{CPU_INDEX}/torch/"):
        arguments = ["--no-deps", "--index-url", CPU_INDEX, f"torch{bounds}"]
        return arguments, f"No NVIDIA GPU: the CPU build of torch from {CPU_INDEX}."
    return [], (
        f"No NVIDIA GPU, but no CPU build of torch is on offer ({CPU_INDEX} does not answer): "
        "the ordinary build follows, which brings CUDA libraries that this machine cannot use."
    )


def main(extras: Sequence[str]) -> int:
    arguments, reason = torch_arguments(torch_bounds((ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    print(f"vaekit: {reason}", flush=True)
    quiet = [] if sys.stdout.isatty() else ["--quiet"]  # a person wants to see that a long download moves
    package = f"{ROOT}[{','.join(extras)}]" if extras else str(ROOT)
    for step in ([arguments] if arguments else []) + [["--editable", package]]:
        code = pip("install", *quiet, *step).returncode
        if code:
            print(
                "vaekit: pip could not install what is named above. Is there a network? Behind a mirror, "
                'set VAEKIT_PIP_ARGS="--index-url ..." or configure pip; then run the same command again.',
                file=sys.stderr,
            )
            return code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
