"""No output depends on the hash seed or the number of threads."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from runs import STREAMS
from tiny import ROOT, write_params

TEXT = "".join(
    f'“the cat” ran, the mouse said ({number % 4}): "it\'s 3.{number % 7}" — über {number % 3}!\n'
    for number in range(60)
)
STAGES = """
import runpy, sys
for script in sys.argv[1:]:
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as done:
        assert done.code == 0, script
"""


def outputs_of(directory: Path, environment: dict[str, str], reading: dict[str, Any]) -> dict[str, str]:
    """The SHA-256 of every output of all stages."""
    (directory / "data").mkdir(parents=True)
    (directory / "data" / "story.txt").write_text(TEXT, encoding="utf-8")
    write_params(directory, prepare=reading, train=STREAMS | {"max_steps": 30})
    scripts = [str(ROOT / "stages" / f"{stage}.py") for stage in ("prepare", "train", "evaluate", "export")]
    subprocess.run(
        [sys.executable, "-c", STAGES, *scripts],
        cwd=directory,
        env=os.environ | environment,
        check=True,
        capture_output=True,
    )
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in directory.rglob("*")
        if path.is_file() and "tensorboard" not in path.parts
    }


@pytest.mark.parametrize("split_by", ["whitespace", "words", "characters"])
def test_hash_seeds_and_threads_leave_the_same_bytes(tmp_path: Path, split_by: str) -> None:
    reading = {"split_by": split_by, "held_out": 0.2, "max_words": 20, "line_ends": split_by != "whitespace"}
    one, other = (
        outputs_of(tmp_path / seed, {"PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads}, reading)
        for seed, threads in (("1", "1"), ("2", "2"))
    )
    assert len(one) > 30
    assert one == other
