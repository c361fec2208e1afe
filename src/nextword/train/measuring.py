"""How a model is measured during training, at a bounded cost, and when training ends."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from threading import Event

from lightning_fabric import Fabric

from nextword import tracking
from nextword.figures import Quality
from nextword.model import network, predictions
from nextword.model.network import Network
from nextword.model.predictions import Part, Text
from nextword.params import TrainParams
from nextword.train.data import Data
from nextword.train.progress import Progress


@dataclass(frozen=True)
class Meter:
    """Measures weights as they would be published: on a sample, and on everything when training ends.

    With `patience` the sample decides which weights are best; the rest is left to the evaluate stage.

    **Arguments:**

    - `unknown`: id of `<unk>`, which is never an answer.
    - `interrupted`: set by Ctrl-C.
    """

    data: Data
    params: TrainParams
    unknown: int | None
    fabric: Fabric
    interrupted: Event

    def is_due(self, progress: Progress) -> bool:
        """Whether it is time to measure, and this step has not been measured yet."""
        is_time = progress.step % self.data.interval == 0 or progress.step == self.params.max_steps
        return is_time and (not progress.points or progress.points[-1].step < progress.step)

    def measure(self, measured: Network, progress: Progress) -> tuple[Quality, bool] | None:
        """The quality of a network, and whether it ends training; `None` after Ctrl-C."""
        data = self.data
        quality = self._quality(measured, data.sample)
        is_over = quality is not None and self._is_over(quality, data.sample_floor, progress)
        if is_over and data.sample is not data.measured and not self.params.patience:
            quality = self._quality(measured, data.measured)
            is_over = quality is not None and self._is_over(quality, data.best.loss, progress)
        return None if quality is None else (quality, is_over)

    def _quality(self, measured: Network, text: Text) -> Quality | None:
        # One process measures for all of them, so that all end at the same step.
        found = None
        if self.fabric.is_global_zero:
            parts = predictions.log_probabilities(network.rounded(measured), text)
            parts = tracking.track(parts, "measuring", len(text), lambda part: len(part[1]))
            found = predictions.judge(_until(self.interrupted, parts), self.unknown).quality
            found = None if self.interrupted.is_set() else found
        return self.fabric.broadcast(found)

    def _is_over(self, quality: Quality, floor: float, progress: Progress) -> bool:
        """Whether this quality, whose loss has this floor, ends training."""
        params = self.params
        if progress.step == params.max_steps:
            return True
        if params.context is not None:
            return quality.loss <= floor + params.stop_within
        best_step = progress.step if quality.loss < progress.best_loss else progress.best_step
        return 0 < params.patience <= (progress.step - best_step) // self.data.interval


def _until(interrupted: Event, parts: Iterable[Part]) -> Iterator[Part]:
    """The parts until Ctrl-C, but always the first one."""
    for part in parts:
        yield part
        if interrupted.is_set():
            return
