"""A short form of `make torture`."""

import os
import subprocess
import sys

from tiny import ROOT


def test_disturbed_stages_leave_old_or_new_outputs_print_one_line_and_succeed_the_next_time() -> None:
    done = subprocess.run(
        [sys.executable, "benchmarks/torture.py", "--seconds", "4", "--stages-alone"],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "KILL at a write" in done.stdout
