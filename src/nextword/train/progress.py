"""The progress of a run."""

from dataclasses import dataclass, field
from typing import NamedTuple

from nextword.figures import Quality


class Point(NamedTuple):
    """What was measured after `step` optimiser steps.

    - `loss`, `accuracy`: on the text that the model is measured on; the loss in nats.
    - `training_loss`, `gradient_norm`: means over the steps since the last point, with dropout;
      `None` at step 0.
    - `learning_rate`: of the last step.
    """

    step: int
    loss: float
    accuracy: float
    training_loss: float | None = None
    gradient_norm: float | None = None
    learning_rate: float | None = None


@dataclass
class Progress:
    """The progress of a run.

    - `step`: optimiser steps taken.
    - `points`: what was measured so far.
    - `loss`, `gradient_norm`: sums over the steps since the last point.
    - `best_loss`, `best_step`: loss and step of the best point so far.
    """

    step: int = 0
    points: list[Point] = field(default_factory=list)
    loss: float = 0.0
    gradient_norm: float = 0.0
    best_loss: float = float("inf")
    best_step: int = 0

    def stepped(self, loss: float, gradient_norm: float) -> None:
        """Records a step."""
        self.step += 1
        self.loss += loss
        self.gradient_norm += gradient_norm

    def measured(self, quality: Quality, learning_rate: float) -> Point:
        """Records a measurement; returns the point on the curves.

        **Arguments:**

        - `learning_rate`: of the last step.
        """
        steps = self.step - (self.points[-1].step if self.points else 0)
        point = Point(self.step, quality.loss, quality.accuracy)
        if steps:
            point = point._replace(
                training_loss=self.loss / steps,
                gradient_norm=self.gradient_norm / steps,
                learning_rate=learning_rate,
            )
        self.points.append(point)
        self.loss = self.gradient_norm = 0.0
        if quality.loss < self.best_loss:
            self.best_loss, self.best_step = quality.loss, self.step
        return point
