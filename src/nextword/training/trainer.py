"""The training loop: AdamW on what a regime reads, measured at intervals."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from threading import Event
from types import FrameType

from nextword.errors import CorpusError
from nextword.training import machines
from nextword.training.corpus import Corpus
from nextword.training.curves import Curves
from nextword.training.params import TrainParams
from nextword.training.run import Run

_GO_ON, _SAVE, _STOP = range(3)  # what a process wants after a step


def train(corpus: Corpus, params: TrainParams) -> None:
    """Trains a model and publishes it, with its learning curves.

    The model is measured after each epoch, without a fixed context after each fifth of `max_steps` if
    that is sooner, with the weights as they would be published. Training ends after `max_steps`; with
    a fixed context when the loss on all windows is within `stop_within` of its floor; without one
    after `patience` measurements in which the validation loss did not fall. A run that was
    interrupted or killed goes on from its checkpoint.

    Started by `torchrun`, the processes divide what a step reads among them.

    **Raises:** `CorpusError` for a part of the text that is too short, `TrainingError` if the loss or the
    gradients are no longer of this world, `KeyboardInterrupt` after Ctrl-C, with the checkpoint
    written.
    """
    if params.patience and "validation" not in corpus.held_out:
        raise CorpusError("train.patience needs a validation part; set prepare.held_out, or patience to 0")
    first = params.context or 1
    for name, ids in corpus.held_out.items():
        if len(ids) <= first:
            raise CorpusError(
                f"the {name} part has {len(ids)} words, and none is left to predict after the first {first}; "
                "hold out more lines, or none"
            )
    with machines.together(params.precision) as fabric:
        _train(Run(corpus, params, fabric), params, is_shown=fabric.is_global_zero)


def _train(run: Run, params: TrainParams, *, is_shown: bool) -> None:
    curves = (
        Curves(run.regime.best, params.max_steps, run.regime.words, run.progress.step, run.progress.points)
        if is_shown
        else nullcontext()
    )
    with curves as shown, _ctrl_c() as interrupted:
        while not run.is_over(shown):
            run.step(shown)
            wanted = run.agree(_STOP if interrupted.is_set() else _SAVE if run.is_save_due else _GO_ON)
            if wanted != _GO_ON:
                run.save()
            if wanted == _STOP:
                if shown:
                    shown.finish(f"stopped after step {run.progress.step}; the next run goes on from there")
                raise KeyboardInterrupt
        if shown:
            shown.finish(run.summary())
            run.publish()


@contextmanager
def _ctrl_c() -> Iterator[Event]:
    """An event that Ctrl-C sets, so that a step is never cut; a second Ctrl-C stops at once."""
    interrupted = Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        interrupted.set()
        signal.signal(signal.SIGINT, previous)

    previous = signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, previous)
