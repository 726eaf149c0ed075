"""Fixtures of the data tests: no cache but a fresh one, and the benchmark data where it is."""

import os
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def fresh_cache(tmp_path_factory, monkeypatch):
    """Downloads land in an empty folder, and a stray one fails at once."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setattr("vaekit.data.named.cache_folder", lambda: folder)
    monkeypatch.setenv("VAEKIT_MIRROR", "http://127.0.0.1:9")
    return folder


@pytest.fixture
def data_folder() -> Path:
    """$VAEKIT_DATA, or a skip."""
    folder = os.environ.get("VAEKIT_DATA")
    if not folder or not Path(folder).is_dir():
        pytest.skip("needs VAEKIT_DATA, the folder of benchmark data")
    return Path(folder)
