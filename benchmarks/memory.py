"""The memory of training and evaluation by the size of the text.

    python benchmarks/memory.py TEXT [--megabytes 1 10 100 1000]

The lines of the text are repeated in random order, as in `prepare.py`. The model is that of
`experiments/book.yaml`, trained for a few steps and measured before the first and after the last. Each stage
runs in its own process. The held-out part has the same size for all sizes of the text.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from edge import LAUNCH, table
from generation import ROOT
from prepare import write
from ruamel.yaml import YAML

from nextword import params
from nextword.prepare import preparation

STEPS = 30
HELD_OUT = 0.2  # megabytes


def stage(directory: Path, name: str) -> tuple[float, float]:
    """Runs a stage on the prepared text; returns seconds and peak megabytes."""
    done = subprocess.run(
        [sys.executable, "-S", "-c", LAUNCH, sys.executable, str(ROOT / "stages" / f"{name}.py")],
        cwd=directory,
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=True,
    )
    milliseconds, megabytes = done.stderr.split()[-2:]
    return float(milliseconds) / 1000, float(megabytes)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description="The memory that training and evaluation take.")
    parser.add_argument("text", help="a UTF-8 text file with many lines")
    parser.add_argument("--megabytes", type=int, nargs="+", default=[1, 10, 100, 1000])
    arguments = parser.parse_args()
    lines = Path(arguments.text).read_text(encoding="utf-8").splitlines(keepends=True)
    rows = []
    for megabytes in arguments.megabytes:
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            text = directory / "text.txt"
            write(lines, text, megabytes)
            yaml = YAML(typ="safe", pure=True)
            values = yaml.load(ROOT / "experiments" / "book.yaml")
            values["prepare"] |= {"text": str(text), "held_out": HELD_OUT / megabytes}
            values["train"] |= {"max_steps": STEPS}
            yaml.dump(values, directory / "params.yaml")
            prepared = preparation.prepare(
                params.load(directory / "params.yaml").prepare, directory / "data" / "prepared"
            )
            row = [f"{megabytes:,}", f"{len(prepared.ids):,}", f"{len(prepared.dictionary):,}"]
            _, training = stage(directory, "train")
            seconds, evaluation = stage(directory, "evaluate")
            rows.append([*row, f"{training:.0f}", f"{evaluation:.0f}", f"{seconds:.0f}"])
    columns = ["MB", "words", "dictionary", "training, peak MB", "evaluation, peak MB", "evaluation, s"]
    table(f"Training for {STEPS} steps, and evaluation", columns, rows)


if __name__ == "__main__":
    main()
