"""Kills, full disks, denied permissions, too little memory: what becomes of the outputs, what is reported.

    python benchmarks/torture.py --seconds 1800 --seed 1     # or: make torture SECONDS=1800 SEED=1

Each trial runs a stage of a tiny pipeline whose text has changed since the last run, and disturbs it. The
stage must end as the fault requires, with one line or none, and each output must be either the old one or the
new one; when the stage runs again, its outputs must be those of an undisturbed run. A fifth of the time goes
to mutants of models and sessions (fuzzing.py). Finally `dvc repro` is killed, and started twice in parallel;
the next run must produce the lock file of an undisturbed one. Needs Linux or another Unix.
"""

import argparse
import importlib
import random
import runpy
import sys
import tempfile
import time
from pathlib import Path

import torture_repro
from disturbed import CYCLE, ROOT, STAGES, Fault, Pipeline, Table, trial

_MUTANTS = (500, 50)  # models and sessions at a time


def stages(seed: int, seconds: float, table: Table, only: int | None = None) -> None:
    """Runs trials for some time, with the stages in turn."""
    for stage in STAGES:  # so that each forked process has their imports
        sys.argv = [str(ROOT / "stages" / f"{stage}.py")]
        runpy.run_path(sys.argv[0], run_name="stage")
    import torch.utils.tensorboard  # noqa: F401
    import tqdm  # noqa: F401

    with tempfile.TemporaryDirectory() as name:
        pipeline = Pipeline(Path(name))
        until, number = time.monotonic() + seconds, only or 0
        while time.monotonic() < until:
            chance = random.Random(f"{seed} {number}")
            fault = Fault(*CYCLE[number // len(STAGES) % len(CYCLE)], chance.random())
            trial(pipeline, STAGES[number % len(STAGES)], fault, table, f"--seed {seed} --only {number}")
            number += 1
            if only is not None:
                break


def mutants(seed: int, seconds: float, table: Table) -> None:
    """Tries mutants of model files and of sessions for some time."""
    fuzzing = importlib.import_module("fuzzing")
    until, first = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        report = fuzzing.fuzz(seed, *_MUTANTS, first)
        for outcome, count in report.outcomes.items():
            table.note("mutants", outcome, "trials", count)
        table.findings += report.findings
        first += _MUTANTS[0]


def main() -> None:
    """Runs as described at the top of this file."""
    parser = argparse.ArgumentParser(description="Disturb the pipeline and check what is left.")
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="the number of one trial")
    parser.add_argument("--stages-alone", action="store_true", help="neither mutants nor dvc repro")
    arguments = parser.parse_args()
    seed, seconds, table = arguments.seed, arguments.seconds, Table()
    is_all = not arguments.stages_alone and arguments.only is None
    if is_all:
        mutants(seed, seconds / 5, table)
        with tempfile.TemporaryDirectory() as name:
            torture_repro.run(Path(name), seed, table)
    stages(seed, seconds * (4 / 5 if is_all else 1), table, arguments.only)
    print(*table.lines(), *table.findings, sep="\n")
    sys.exit(bool(table.findings))


if __name__ == "__main__":
    main()
