import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from test_trainer import LINES, OUTPUTS, STREAMS, curve, prepare, run_stage
from tiny import ROOT

# Twenty steps, and the loss of each as the first process knows it.
STEPS = """
import json
from nextword.training import corpus, machines, params
from nextword.training.run import Run

settings = params.load().train
with machines.together(settings.precision) as fabric:
    run, losses, sums = Run(corpus.load(), settings, fabric), [], 0.0
    for _ in range(20):
        run.step(None)
        losses.append(run.progress.loss - sums)
        sums = run.progress.loss
    if fabric.is_global_zero:
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
        {"max_steps": 20, "stop_within": 0, "batch": 7},  # 21 − 3 windows: the last batch is an odd one
        STREAMS | {"batch": 4, "dropout": 0.0, "output_dropout": 0.0, "max_steps": 20, "weight_decay": 0.1},
    ],
    ids=["windows", "streams"],
)
def test_two_processes_compute_what_one_computes(in_directory: Path, changes: dict[str, Any]) -> None:
    prepare(in_directory, LINES[:300] if changes.get("context", 3) else LINES, **changes)
    script = in_directory / "steps.py"
    script.write_text(STEPS, encoding="utf-8")
    one = json.loads(subprocess.check_output([sys.executable, str(script)], text=True).splitlines()[-1])
    found = start(2, in_directory, str(script))
    assert found.returncode == 0, found.stderr
    two = json.loads(found.stdout.splitlines()[-1])
    assert len(two) == 20
    assert len(set(one)) == 20
    assert two == pytest.approx(one, abs=1e-10, rel=0)


def test_the_stage_trains_on_two_processes_and_publishes_once(in_directory: Path) -> None:
    prepare(
        in_directory, LINES, **STREAMS | {"batch": 4, "dropout": 0.0, "output_dropout": 0.0, "max_steps": 60}
    )
    with run_stage(in_directory) as alone:
        assert alone.wait(100) == 0
    expected = curve("loss")
    found = start(2, in_directory, str(ROOT / "stages" / "train.py"))
    assert found.returncode == 0, found.stderr
    assert found.stdout.count("60 steps: loss") == 1
    assert curve("loss") == expected
    assert all((in_directory / name).exists() for name in OUTPUTS)


def test_streams_that_cannot_be_divided_are_an_error_that_says_so(in_directory: Path) -> None:
    prepare(in_directory, LINES, **STREAMS)
    found = start(2, in_directory, str(ROOT / "stages" / "train.py"))
    assert found.returncode != 0
    assert "error: train.batch 3 cannot be divided among 2 processes; take a multiple" in found.stderr
