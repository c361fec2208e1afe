"""JavaScript's own tests and type check, if npm has installed their dependencies."""

import subprocess
from pathlib import Path

import pytest
from tiny import ROOT

MODULES = ROOT / "js" / "node_modules"

pytestmark = pytest.mark.skipif(not MODULES.exists(), reason="npm has not installed js")


# A test for each file, so that they are begun early: files of many tests go first.
@pytest.mark.parametrize("file", sorted((ROOT / "js" / "test").glob("*.test.js")), ids=lambda file: file.name)
def test_javascript(file: Path) -> None:
    run("node", "--test", file)


def test_types() -> None:
    run("npm", "run", "--prefix", ROOT / "js", "types")


def run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
