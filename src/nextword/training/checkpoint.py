"""A run that can be stopped and taken up again: one file, written whole or not at all."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch.optim import Optimizer

from nextword import files
from nextword.training.curves import Point
from nextword.training.model import NextWordModel, State

_STATE = ("state.hidden", "state.cell")
CHECKPOINT = Path("models/checkpoint.safetensors")


@dataclass
class Progress:
    """How far a run has come.

    - `step`: optimiser steps taken.
    - `points`: what was measured so far.
    """

    step: int = 0
    points: list[Point] = field(default_factory=list)


def save(
    path: Path,
    run: str,
    progress: Progress,
    model: NextWordModel,
    optimizer: Optimizer,
    state: State | None,
) -> None:
    """Writes everything that a run needs to go on.

    **Arguments:**

    - `run`: what identifies the run; only the same run goes on from this file.
    - `state`: what is carried from step to step, if anything.
    """
    tensors = dict(zip(_STATE, state, strict=True)) if state else {}
    for name, weight in model.named_parameters():
        tensors[name] = weight.detach()
        for key, value in optimizer.state[weight].items():
            tensors[f"optimizer.{key}.{name}"] = value
    with files.replacing(path) as temporary:
        save_file(
            tensors,
            temporary,
            {"run": run, "progress": json.dumps(asdict(progress)), "is_carried": str(state is not None)},
        )


def resume(path: Path, run: str, model: NextWordModel, optimizer: Optimizer) -> tuple[Progress, State | None]:
    """Puts a run back to where it was stopped, or leaves it at its beginning.

    **Returns:** how far it had come, step 0 if there is no checkpoint or one of another run; and the
    state that was carried.
    """
    if not path.exists():
        return Progress(), None
    with safe_open(path, "pt") as file:
        metadata = file.metadata()
        if metadata["run"] != run:
            return Progress(), None
        for name, weight in model.named_parameters():
            with torch.no_grad():
                weight.copy_(file.get_tensor(name))
            for key in ("step", "exp_avg", "exp_avg_sq"):  # what AdamW keeps of each weight
                optimizer.state[weight][key] = file.get_tensor(f"optimizer.{key}.{name}")
        is_carried = metadata["is_carried"] == "True"
        state = (file.get_tensor(_STATE[0]), file.get_tensor(_STATE[1])) if is_carried else None
    progress = json.loads(metadata["progress"])
    return Progress(progress["step"], [Point(*point) for point in progress["points"]]), state
