"""The learning rate of each step."""

import math

from nextword.params import TrainParams


def learning_rate(params: TrainParams, step: int) -> float:
    """The learning rate of a step.

    It rises linearly over `warmup_steps`, and then stays constant (`constant`), or falls to zero at
    `max_steps`, either linearly (`linear`) or along half a cosine (`cosine`, Loshchilov & Hutter
    2017). A cosine after a warm-up of about a third is the one-cycle schedule (Smith & Topin 2018).

    **Arguments:**

    - `step`: the number of the step, from 0.
    """
    if step < params.warmup_steps:
        return params.learning_rate * (step + 1) / params.warmup_steps
    gone = (step - params.warmup_steps) / max(1, params.max_steps - params.warmup_steps)
    if params.schedule == "linear":
        return params.learning_rate * (1 - gone)
    if params.schedule == "cosine":
        return params.learning_rate * (1 + math.cos(math.pi * gone)) / 2
    return params.learning_rate
