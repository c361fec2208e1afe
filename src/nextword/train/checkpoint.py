"""A run that can be stopped, or killed, at any moment and taken up again with the same bytes.

A checkpoint is one file, complete or missing; the last two of each run are kept, in case the
disk spoils one.
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

    - `directory`: of the checkpoints of all runs.
    - `corpus`, `params`: what the run learns from and how; another run does not take these up.
    """

    def __init__(self, directory: Path, corpus: Corpus, params: TrainParams) -> None:
        self._directory = directory / _identity(corpus, params)[:16]

    def save(self, progress: Progress, tensors: Mapping[str, Tensor], fabric: Fabric) -> None:
        """Writes everything that a run needs to go on; every process has to call it.

        **Arguments:**

        - `tensors`: weights, what the optimiser keeps of them, and what is carried, by name.
        """
        if fabric.is_global_zero:
            with outputs.replacing(self._directory / f"{progress.step:09}.safetensors") as temporary:
                contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
                try:
                    save_file(contiguous, temporary, {"progress": json.dumps(asdict(progress))})
                except SafetensorError as error:  # a full disk, too
                    raise OSError(errno.EIO, str(error)) from None
            for old in self._newest_first()[_KEPT:]:
                old.unlink(missing_ok=True)
        fabric.barrier()

    def load(self) -> tuple[Progress, dict[str, Tensor]]:
        """How far the run had come, and its tensors; step 0 and none if there is no checkpoint of it."""
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
        """Removes them, once the run has ended."""
        shutil.rmtree(self._directory, ignore_errors=True)

    def _newest_first(self) -> list[Path]:
        return sorted(self._directory.glob("*.safetensors"), reverse=True)


def _identity(corpus: Corpus, params: TrainParams) -> str:
    """What a run computes."""
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
