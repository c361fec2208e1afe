"""Checkpoints: a run can be stopped or killed at any moment, and resumed with the same results to the byte.

A checkpoint is one file, complete or missing; the last two of each run are kept, in case one is
corrupted on disk.
"""

import errno
import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lightning_fabric import Fabric
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from nextword import outputs
from nextword.params import TrainParams
from nextword.text.corpus import Corpus
from nextword.train.progress import Point, Progress

_KEPT = 2


class Checkpoints:
    """The checkpoints of one run.

    **Arguments:**

    - `directory`: holds the checkpoints of all runs.
    - `corpus`, `params`: what the run learns from and how; they identify its checkpoints.
    """

    def __init__(self, directory: Path, corpus: Corpus, params: TrainParams) -> None:
        self._directory = directory / _identity(corpus, params)[:16]

    def save(self, progress: Progress, tensors: Mapping[str, Tensor], fabric: Fabric) -> None:
        """Writes everything that a run needs to continue; every process must call it.

        **Arguments:**

        - `tensors`: the weights, the optimiser's state and the carried state, by name.
        """
        if fabric.is_global_zero:
            with outputs.replacing(self._directory / f"{progress.step:09}.safetensors") as temporary:
                contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
                try:
                    save_file(contiguous, temporary, {"progress": json.dumps(asdict(progress))})
                except SafetensorError as error:  # raised for a full disk, too
                    raise OSError(errno.EIO, str(error)) from None
            for old in self._newest_first()[_KEPT:]:
                old.unlink(missing_ok=True)
        fabric.barrier()

    def load(self) -> tuple[Progress, dict[str, Tensor]]:
        """The progress of the run, and its tensors; step 0 and no tensors if it has no checkpoint."""
        for path in self._newest_first():
            try:
                with safe_open(path, "pt") as file:
                    values: dict[str, Any] = json.loads(file.metadata()["progress"])
                    tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            except (SafetensorError, OSError):
                continue
            return Progress(**values | {"points": [Point(*point) for point in values["points"]]}), tensors
        return Progress(), {}

    def clear(self) -> None:
        """Removes the checkpoints once the run has ended."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _newest_first(self) -> list[Path]:
        return sorted(self._directory.glob("*.safetensors"), reverse=True)


def _identity(corpus: Corpus, params: TrainParams) -> str:
    """Identifies what a run computes."""
    parts = [
        params.model_dump(),
        corpus.sha256,
        corpus.split_by,
        corpus.lowercase,
        corpus.line_ends,
        corpus.ends,
        corpus.dictionary.words,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
