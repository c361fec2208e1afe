"""Fixtures and settings of all tests."""

from pathlib import Path

import pytest
from hypothesis import settings

# A slow machine is no failure, and the same examples are tried each time.
settings.register_profile("nextword", deadline=None, derandomize=True)
settings.load_profile("nextword")


@pytest.fixture
def in_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
