"""Runs of the train stage: texts and params for them, and the files that they leave."""

import csv
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from tiny import PARAMS, PREPARED, ROOT, TRAINED

from nextword import params
from nextword.params import TrainParams
from nextword.text import corpus
from nextword.train import loop
from nextword.train.loop import Outputs

OUTPUTS = Outputs(
    trained=TRAINED,
    checkpoints=Path("models/checkpoints"),
    curves=Path("curves"),
    tensorboard=Path("tensorboard"),
)
PUBLISHED = [TRAINED / name for name in ("weights.safetensors", "architecture.json", "training.json")]
# The stage, with a checkpoint after each step.
EAGER = "import runpy, sys; from nextword.train import loop; loop._CHECKPOINT_SECONDS = 0; "
EAGER += "runpy.run_path(sys.argv[1], run_name='__main__')"
STREAMS: dict[str, Any] = {
    "context": None,
    "batch": 3,
    "words_per_step": 5,
    "tied": True,
    "embedding": 16,
    "hidden": 16,
    "dropout": 0.2,
    "output_dropout": 0.2,
    "schedule": "linear",
    "learning_rate": 0.02,
    "max_steps": 300,
}
LINES = "".join(
    f"the cat ran , the mouse said {number % 4} , the bell {number % 3} .\n" for number in range(60)
)


def train_params(**changes: Any) -> TrainParams:
    """The shipped params of the train stage, with some changed."""
    values = YAML(typ="safe", pure=True).load(ROOT / "params.yaml")["train"]
    return TrainParams(**values | changes)


def train() -> None:
    """What the stage does, in this process."""
    loop.train(corpus.load(PREPARED), params.load(PARAMS).train, OUTPUTS)


def run_stage(
    directory: Path, environment: dict[str, str] | None = None, *, eager: bool = False
) -> subprocess.Popen[str]:
    """Starts the stage in its own process."""
    return subprocess.Popen(
        [sys.executable, *(["-c", EAGER] if eager else []), str(ROOT / "stages" / "train.py")],
        cwd=directory,
        env=os.environ | (environment or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def curve(name: str) -> list[tuple[int, float]]:
    """Steps and values of a learning curve."""
    with (OUTPUTS.curves / f"plots/metrics/{name}.tsv").open(encoding="utf-8") as file:
        return [(int(row["step"]), float(row[name])) for row in csv.DictReader(file, delimiter="\t")]


def checkpoint_files() -> list[Path]:
    """The checkpoints of all runs, newest first."""
    return sorted(OUTPUTS.checkpoints.rglob("*.safetensors"), reverse=True)


def digests(directory: Path) -> dict[str, str]:
    """The SHA-256 of each file that the train stage hands to DVC."""
    outputs = [*(directory / name for name in PUBLISHED), *(directory / OUTPUTS.curves).rglob("*.*")]
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in outputs
        if path.is_file()
    }
