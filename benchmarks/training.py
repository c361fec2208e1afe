"""The time of each training step, taken in the loop itself, for other benchmarks."""

import time
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch

from nextword.params import TrainParams
from nextword.text.corpus import Corpus
from nextword.train import loop
from nextword.train.curves import NoCurves
from nextword.train.loop import Outputs
from nextword.train.progress import Point

OUTPUTS = Outputs(
    trained=Path("models/trained"),
    checkpoints=Path("models/checkpoints"),
    curves=Path("curves"),
    tensorboard=Path("tensorboard"),
)


class Stopwatch(NoCurves):
    """Records the time of each step, and the measurements, in place of the curves."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.points: list[Point] = []

    def stepped(self, *_step: float) -> None:
        """Records the CPU time of a thread, since other work may slow the machine down."""
        self.times.append(time.process_time() / torch.get_num_threads())

    def measured(self, point: Point) -> None:
        """Keeps the point."""
        self.points.append(point)


def trained(text: Corpus, settings: TrainParams) -> Stopwatch:
    """Trains in the working directory, without curves."""
    watch = Stopwatch()
    with patch.object(loop, "_curves", lambda *_: nullcontext(watch)):
        loop.train(text, settings, OUTPUTS)
    return watch


def words_per_second(watch: Stopwatch, words_per_step: int) -> float:
    """Words per second at the median step; steps with a measurement do not count."""
    return words_per_step / float(np.median(np.diff(watch.times)))
