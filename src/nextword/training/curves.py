"""What one sees of a run: a progress bar on a terminal, lines elsewhere, and learning curves."""

import time
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from dvclive.live import Live
from tqdm import tqdm

from nextword.training.evaluation import Quality
from nextword.training.numbers import significant

CURVES = Path("curves")

_LINE_SECONDS = 2


class Point(NamedTuple):
    """What was measured after `step` optimiser steps: the loss in nats, and the accuracy."""

    step: int
    loss: float
    accuracy: float


class Curves:
    """Shows a run and writes its curves through dvclive, point by point, under `curves/`.

    **Arguments:**

    - `best`: the ceiling and the floor, drawn beside the curves.
    - `max_steps`: the length of the progress bar.
    - `step`: steps that were taken before.
    - `points`: what was measured before.
    """

    def __init__(self, best: Quality, max_steps: int, step: int, points: list[Point]) -> None:
        self._best = best
        # The bar is for a person at a terminal; `disable=None` asks tqdm to look.
        self._bar = tqdm(total=max_steps, initial=step, unit="step", disable=None, leave=False)
        self._line_due = time.monotonic()
        # dvclive may save experiments, reports and a dvc.yaml of its own: the pipeline has those.
        self._live = Live(str(CURVES), save_dvc_exp=False, report=None, dvcyaml=None)
        for point in points:
            self._log(point)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.close()
        self._live.end()

    def stepped(self) -> None:
        """One optimiser step was taken."""
        self._bar.update()

    def measured(self, point: Point) -> None:
        """The model was measured."""
        self._log(point)
        if not self._bar.disable:
            self._bar.set_postfix(loss=f"{point.loss:.4f}", accuracy=f"{point.accuracy:.2%}")
        elif time.monotonic() >= self._line_due:
            self._line_due = time.monotonic() + _LINE_SECONDS
            print(f"step {point.step}: loss {point.loss:.4f}, accuracy {point.accuracy:.2%}", flush=True)

    def finish(self, message: str) -> None:
        """Says, below the bar, how the run ended."""
        self._bar.close()
        print(message, flush=True)

    def _log(self, point: Point) -> None:
        self._live.step = point.step
        self._live.log_metric("loss", significant(point.loss))
        self._live.log_metric("lowest_loss", significant(self._best.loss))
        self._live.log_metric("accuracy", significant(point.accuracy))
        self._live.log_metric("highest_accuracy", significant(self._best.accuracy))
