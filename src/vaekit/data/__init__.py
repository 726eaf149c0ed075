"""Data: every source becomes a Dataset, a Schema and three parts.

Names are loaded when first used: the processes that decode need none of them, and no torch.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = ["Dataset", "Part", "open_data"]

if TYPE_CHECKING:
    from vaekit.data.dataset import Dataset as Dataset
    from vaekit.data.dataset import Part as Part
    from vaekit.data.open import open_data as open_data

_HOMES = {"Dataset": "vaekit.data.dataset", "Part": "vaekit.data.dataset", "open_data": "vaekit.data.open"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'vaekit.data' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
