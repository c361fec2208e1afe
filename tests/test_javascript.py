"""JavaScript's own tests and type check, if npm has installed their dependencies."""

import subprocess

import pytest
from tiny import ROOT

MODULES = ROOT / "js" / "node_modules"

pytestmark = pytest.mark.skipif(not MODULES.exists(), reason="npm has not installed js")


@pytest.mark.parametrize("script", ["test", "types"])
def test_javascript(script: str) -> None:
    done = subprocess.run(
        ["npm", "run", "--prefix", ROOT / "js", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
