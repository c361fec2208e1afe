"""Fixtures and settings for all tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

# Tests run side by side, on a core each. (Another test checks that results do not depend on it.)
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A slow machine must not fail a test, and the same examples are tried each time.
settings.register_profile("nextword", deadline=None, derandomize=True)
settings.load_profile("nextword")


@pytest.fixture
def in_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
