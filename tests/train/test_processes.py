import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from runs import LINES, PUBLISHED, STREAMS, checkpoint_files, curve, run_stage
from tiny import ROOT, TRAINED, prepare

STAGE = str(ROOT / "stages" / "train.py")
# The stage with a checkpoint after each step. It stops after a number of steps, and the first process prints
# the loss of each.
STEPS = """
import json, os, runpy, sys
from nextword.train import loop
from nextword.train.progress import Progress

losses, stepped = [], Progress.stepped

def note(progress, loss, gradient_norm):
    if progress.step == int(sys.argv[2]):
        sys.exit("enough")
    stepped(progress, loss, gradient_norm)
    losses.append(loss)

Progress.stepped, loop._CHECKPOINT_SECONDS = note, 0
runpy.run_path(sys.argv[1])["main"]()
if os.environ.get("RANK", "0") == "0":
    print(json.dumps(losses))
"""


def start(processes: int, directory: Path, *command: str) -> subprocess.CompletedProcess[str]:
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    return subprocess.run(
        [sys.executable, *launcher, *command],
        cwd=directory,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )


@pytest.mark.parametrize(
    "changes",
    [
        # 21 − 3 windows, so that the last batch is smaller
        {"max_steps": 20, "stop_within": 0, "batch": 7, "cell": "feedforward"},
        STREAMS | {"batch": 4, "dropout": 0.0, "output_dropout": 0.0, "max_steps": 20, "cell": "gru"},
    ],
    ids=["windows", "streams"],
)
def test_two_processes_compute_the_same_as_one(in_directory: Path, changes: dict[str, Any]) -> None:
    prepare(in_directory, LINES[:300] if changes.get("context", 3) else LINES, **changes)
    one, two = (losses(processes, in_directory, 20) for processes in (1, 2))
    assert len(two) == 20
    assert len(set(one)) == 20
    assert two == pytest.approx(one, abs=1e-10, rel=0)


@pytest.mark.parametrize(("before", "after"), [(2, 1), (1, 2)])
def test_a_run_can_be_resumed_with_another_number_of_processes(
    in_directory: Path, before: int, after: int
) -> None:
    prepare(
        in_directory, LINES, **STREAMS | {"batch": 4, "dropout": 0.0, "output_dropout": 0.0, "max_steps": 120}
    )
    expected = losses(1, in_directory, 120)
    assert losses(before, in_directory, 90) == []
    assert [path.stem for path in checkpoint_files()] == ["000000090", "000000089"]
    found = losses(after, in_directory, 120)
    assert len(found) == 30
    assert found == pytest.approx(expected[90:], abs=1e-9, rel=0)


def losses(processes: int, directory: Path, last: int) -> list[float]:
    """The loss of each step, from the first process; none if the run was stopped at `last`."""
    script = directory / "steps.py"
    script.write_text(STEPS, encoding="utf-8")
    command = [str(script), STAGE, str(last)]
    if processes > 1:
        done = start(processes, directory, *command)
    else:
        done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    if done.returncode:
        assert "enough" in done.stderr
        return []
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_the_stage_trains_on_two_processes_and_publishes_once(in_directory: Path) -> None:
    prepare(
        in_directory, LINES, **STREAMS | {"batch": 4, "dropout": 0.0, "output_dropout": 0.0, "max_steps": 60}
    )
    with run_stage(in_directory) as alone:
        assert alone.wait(100) == 0
    expected = curve("loss")
    TRAINED.rename("old")
    found = start(2, in_directory, STAGE)
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("60 steps: loss") == 1
    assert curve("loss") == expected
    assert all(path.exists() for path in PUBLISHED)


def test_streams_that_cannot_be_divided_are_an_error(in_directory: Path) -> None:
    prepare(in_directory, LINES, **STREAMS)
    found = start(2, in_directory, STAGE)
    assert found.returncode != 0
    assert "error: train.batch 3 cannot be divided among 2 processes; use a multiple of 2" in found.stderr
