"""A run that can be stopped, or killed, at any moment and taken up again with the same bytes.

A checkpoint is one file, written whole or not at all; the last two of each run are kept, in case
that the disk spoils one.
"""

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from nextword import files
from nextword.training.curves import Point

CHECKPOINTS = Path("models/checkpoints")

_KEPT = 2


@dataclass
class Progress:
    """How far a run has come.

    - `step`: optimiser steps taken.
    - `points`: what was measured so far.
    - `loss`, `gradient_norm`: sums over the steps since the last point.
    - `best_loss`, `best_step`: of the best point so far, and its step.
    """

    step: int = 0
    points: list[Point] = field(default_factory=list)
    loss: float = 0.0
    gradient_norm: float = 0.0
    best_loss: float = float("inf")
    best_step: int = 0


def save(run: str, progress: Progress, tensors: Mapping[str, Tensor]) -> None:
    """Writes everything that a run needs to go on.

    **Arguments:**

    - `run`: what identifies the run; only the same run goes on from this file.
    - `tensors`: weights, what the optimiser keeps of them, and what is carried, by name.
    """
    with files.replacing(_folder(run) / f"{progress.step:09}.safetensors") as temporary:
        contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
        save_file(contiguous, temporary, {"progress": json.dumps(asdict(progress))})
    for old in _newest_first(run)[_KEPT:]:
        old.unlink()


def load(run: str) -> tuple[Progress, dict[str, Tensor]]:
    """How far a run had come, and its tensors; step 0 and none if there is no checkpoint of it."""
    for path in _newest_first(run):
        try:
            with safe_open(path, "pt") as file:
                values: dict[str, Any] = json.loads(file.metadata()["progress"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        except (SafetensorError, OSError):
            continue
        return Progress(**values | {"points": [Point(*point) for point in values["points"]]}), tensors
    return Progress(), {}


def clear(run: str) -> None:
    """Removes the checkpoints of a run that has ended."""
    shutil.rmtree(_folder(run), ignore_errors=True)


def _folder(run: str) -> Path:
    return CHECKPOINTS / run[:16]


def _newest_first(run: str) -> list[Path]:
    return sorted(_folder(run).glob("*.safetensors"), reverse=True)
