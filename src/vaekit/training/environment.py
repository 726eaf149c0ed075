"""environment: what a run was made on."""

from __future__ import annotations

import platform
import sys
import time
from typing import Any

import torch

import vaekit
from vaekit.ranks import world


def environment(device: torch.device, choices: dict[str, str]) -> dict[str, Any]:
    """What the run was made on, for whoever wants to repeat it, and what was chosen for it and why."""
    name = (
        torch.cuda.get_device_name(device)
        if device.type == "cuda"
        else platform.processor() or platform.machine()
    )
    return {
        "vaekit": vaekit.__version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "system": platform.platform(),
        "device": device.type,
        "device_name": name,
        "threads": torch.get_num_threads(),
        "processes": world(),
        "choices": choices,
        "command": sys.argv,
        "started": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
    }
