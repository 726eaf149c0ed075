"""What every test shares: a fixed seed, and the folder of downloaded data where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch


@pytest.fixture(autouse=True)
def _seed() -> None:
    """A test's numbers do not depend on which tests ran before it."""
    torch.manual_seed(0)


@pytest.fixture
def data_dir() -> Path:
    """The folder that VAEKIT_DATA names; the test is skipped where there is none."""
    named = os.environ.get("VAEKIT_DATA")
    if not named or not Path(named).is_dir():
        pytest.skip("VAEKIT_DATA names no folder of data sets")
    return Path(named)
