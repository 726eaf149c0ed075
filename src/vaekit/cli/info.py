"""vaekit info: versions, devices, recipes, named data sets, folders."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from typing import Any

from vaekit import __version__
from vaekit.cli.answer import Answer, pairs, table
from vaekit.cli.common import Common
from vaekit.recipes import NAMES, find_recipe

EXAMPLE = "vaekit info"


def info(*, common: Common = Common()) -> Answer:  # noqa: B008
    """Show versions, the device that would be used, the recipes, the named data sets, and the folders used."""
    import torch

    from vaekit.api import choose_device
    from vaekit.data.named import NAMED, cache_folder

    device = choose_device(common.device)
    facts: dict[str, Any] = {
        "vaekit": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": version("numpy"),
        "system": platform.platform(),
        "device": device.type,
        "device_name": torch.cuda.get_device_name(device) if device.type == "cuda" else platform.machine(),
        "threads": torch.get_num_threads(),
        "cache": str(cache_folder()),
        "data_folder": os.environ.get("VAEKIT_DATA"),
        "recipes": {name: (find_recipe(name).__doc__ or "").partition("\n")[0] for name in NAMES},
        "data": list(NAMED),
    }

    def view() -> list[Any]:
        plain = {k.replace("_", " "): v for k, v in facts.items() if not isinstance(v, dict | list)}
        return [
            pairs("vaekit", plain),
            table("Recipes: vaekit train DATA --recipe NAME", ("", ""), facts["recipes"].items()),
            "Named data: " + ", ".join(facts["data"]),
        ]

    return Answer(facts, view)
