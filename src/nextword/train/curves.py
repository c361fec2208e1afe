"""What a run shows: a progress bar on a terminal, lines elsewhere, and learning curves."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from dvclive.live import Live

from nextword import outputs, tracking
from nextword.figures import perplexity
from nextword.train.data import Data
from nextword.train.progress import Point, Progress

_LINE_SECONDS = 2  # least time between two lines of measurements
_QUIET_SECONDS = 30  # without a measurement, after which a line shows progress
_BAR_SECONDS = 1
_STEPS = 100  # optimiser steps per point of TensorBoard's training curves


class _Live(Live):
    """dvclive without git: there may be no commit yet, and no experiment is saved."""

    def _init_dvc(self) -> None:
        pass


class Curves:
    """Shows a run and writes its curves.

    dvclive gets one value per point; TensorBoard also gets values between points, in one folder per start
    of a run.

    **Arguments:**

    - `directory`, `board`: the folders for dvclive and for TensorBoard.
    - `data`: what the run reads; its ceiling and floor are drawn along with the curves.
    - `max_steps`: of the optimiser.
    - `progress`: of the run before this start.
    """

    def __init__(self, directory: Path, board: Path, data: Data, max_steps: int, progress: Progress) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._best = data.best
        self._words, self._unit, self._max_steps = data.words, data.unit, max_steps
        # The bar is shown on a terminal only; `disable=None` makes tqdm check.
        self._bar = tracking.Bar(
            total=max_steps * data.words,
            initial=progress.step * data.words,
            unit=f" {data.unit}",
            unit_scale=True,
            disable=None,
            leave=False,
        )
        self._started, self._step_started = time.monotonic(), progress.step
        self._line_due = self._shown = self._started
        self._measured: dict[str, str] = {}
        self._losses: list[float] = []  # of the steps since a loss was last shown
        # dvclive can save experiments, reports and a dvc.yaml of its own, but the pipeline has these.
        self._live: Live = _Live(str(directory), save_dvc_exp=False, report=None, dvcyaml=None)
        self._board = SummaryWriter(str(board / f"{datetime.now():%Y-%m-%d_%H-%M-%S}"))
        for point in progress.points:
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
        self._board.close()

    def stepped(self, step: int, loss: float, gradient_norm: float, learning_rate: float) -> None:
        """Records an optimiser step: its number from 1, its loss, gradient norm and learning rate."""
        self._bar.update(self._words)
        self._show(step, loss)
        if step % _STEPS == 0:
            self._board.add_scalar("training/perplexity", perplexity(loss), step)
            self._board.add_scalar("training/gradient_norm", gradient_norm, step)
            self._board.add_scalar("training/learning_rate", learning_rate, step)

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Excludes the time in which the model is measured from the speed."""
        began = time.monotonic()
        yield
        taken = time.monotonic() - began
        self._started += taken
        if not self._bar.disable:
            self._bar.start_t += taken
            self._bar.last_print_t += taken

    def measured(self, point: Point) -> None:
        """Records a measurement of the model."""
        self._log(point)
        if not self._bar.disable:
            self._measured = {"loss": f"{point.loss:.4f}", "accuracy": share_of(point.accuracy, self._unit)}
            self._bar.set_postfix(self._measured)
        elif time.monotonic() >= self._line_due:
            self._shown = time.monotonic()
            self._line_due = self._shown + _LINE_SECONDS
            self._losses.clear()
            print(
                f"step {point.step}: loss {point.loss:.4f}, accuracy {share_of(point.accuracy, self._unit)}"
                f"{self._speed(point.step)}",
                flush=True,
            )

    def finish(self, message: str) -> None:
        """Prints, below the bar, how the run ended."""
        self._bar.close()
        print(message, flush=True)

    def _show(self, step: int, loss: float) -> None:
        """Shows the training loss of the last steps, if nothing has been shown for some time."""
        self._losses.append(loss)
        now = time.monotonic()
        if now < self._shown + (_QUIET_SECONDS if self._bar.disable else _BAR_SECONDS):
            return
        training_loss = f"{sum(self._losses) / len(self._losses):.4f}"
        if self._bar.disable:
            print(f"step {step}: training loss {training_loss}{self._speed(step)}", flush=True)
        else:
            self._bar.set_postfix({**self._measured, "training loss": training_loss})
        self._shown = now
        self._losses.clear()

    def _speed(self, step: int) -> str:
        """The speed, and the time left if all steps are taken."""
        taken, seconds = step - self._step_started, time.monotonic() - self._started
        if not taken:
            return ""
        to_come = tracking.left(seconds / taken * (self._max_steps - step))
        return f", {taken * self._words / seconds:,.0f} {self._unit}/s, at most {to_come} left"

    def _log(self, point: Point) -> None:
        curves: dict[str, Any] = {
            "loss": point.loss,
            "lowest_loss": self._best.loss,
            "perplexity": perplexity(point.loss),
            "accuracy": point.accuracy,
            "highest_accuracy": self._best.accuracy,
            "training_loss": point.training_loss,
            "gradient_norm": point.gradient_norm,
            "learning_rate": point.learning_rate,
        }
        self._live.step = point.step
        for name, value in curves.items():
            if value is not None:
                self._live.log_metric(name, outputs.significant(value))
        self._board.add_scalar("measured/perplexity", perplexity(point.loss), point.step)
        self._board.add_scalar("measured/accuracy", point.accuracy, point.step)


def share_of(accuracy: float, unit: str) -> str:
    """An accuracy for the user, who takes it for that of words unless it says otherwise."""
    return f"{accuracy:.2%}" + (f" of {unit}" if unit != "words" else "")


class NoCurves:
    """The curves of all processes except the one that shows the run."""

    @contextmanager
    def measuring(self) -> Iterator[None]:
        """Shows nothing."""
        yield

    def stepped(self, *_step: float) -> None:
        """Shows nothing."""

    def measured(self, point: Point) -> None:
        """Shows nothing."""

    def finish(self, message: str) -> None:
        """Shows nothing."""
