"""The training loop, in the order in which things happen."""

import math
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import FrameType
from typing import NoReturn

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor

from nextword.errors import TrainingError
from nextword.model import network
from nextword.outputs import replacing
from nextword.params import TrainParams
from nextword.text.corpus import Corpus
from nextword.train import processes
from nextword.train.advice import advice
from nextword.train.checkpoint import Checkpoints
from nextword.train.curves import Curves, NoCurves, share_of
from nextword.train.data import Data, make_data
from nextword.train.learner import Learner, make_learner
from nextword.train.measuring import Meter
from nextword.train.progress import Progress
from nextword.train.schedule import learning_rate

_CHECKPOINT_SECONDS = 60
_EXPLODED = 50  # nats per word: no network that learns is ever this wrong
_GO_ON, _SAVE, _STOP = range(3)  # what a process requests after a step


@dataclass(frozen=True)
class Outputs:
    """Where a run writes its published network, its checkpoints, and its curves for DVC and TensorBoard."""

    trained: Path
    checkpoints: Path
    curves: Path
    tensorboard: Path


def train(corpus: Corpus, params: TrainParams, outputs: Outputs) -> None:
    """Trains a network with AdamW and publishes it, with its learning curves.

    It is measured after each epoch or, without a fixed context, after each fifth of `max_steps` if that is
    sooner, with the weights as they would be published. It is measured on a sample of a long text, and on
    all of it when training ends, so that measuring takes a bounded share of the time. Training ends after
    `max_steps`; with a fixed context, also when the loss on all windows is within `stop_within` of its
    floor; without one, also after `patience` measurements without a lower validation loss. A run that was
    interrupted or killed continues from its checkpoint.

    The processes started by `torchrun` divide the batch of each step among themselves.

    **Raises:** `CorpusError` for a part of the text that is too short, `TrainingError` if the loss or the
    gradients explode or are no longer finite, `KeyboardInterrupt` after Ctrl-C, once the checkpoint is
    written.
    """
    with processes.together(params) as fabric:
        for line in advice(corpus, params) if fabric.is_global_zero else ():
            print(line, flush=True)
        # A separate function, so that everything shared by the processes is released before they end: PyTorch
        # may wait forever for a process group that is still referenced.
        _train(corpus, params, outputs, fabric)


def _train(corpus: Corpus, params: TrainParams, outputs: Outputs, fabric: Fabric) -> None:
    data = make_data(corpus, params, fabric.global_rank, fabric.world_size)
    learner = make_learner(corpus, params, fabric)
    checkpoints = Checkpoints(outputs.checkpoints, corpus, params)
    progress, tensors = checkpoints.load()
    state = learner.restore(tensors, fabric) if tensors else None
    saved = time.monotonic()

    with _curves(outputs, data, params, progress, fabric) as curves, _ctrl_c() as interrupted:
        meter = Meter(data, params, corpus.dictionary.unknown, fabric, interrupted)

        def save() -> None:
            checkpoints.save(progress, learner.tensors(state, fabric), fabric)

        while True:
            if meter.is_due(progress):
                with curves.measuring():
                    found = meter.measure(learner.measured, progress)
                if found is None:
                    _stop(progress, curves, save)
                quality, is_over = found
                learner.keep_best(quality, progress)
                curves.measured(progress.measured(quality, learning_rate(params, max(progress.step - 1, 0))))
                if is_over:
                    break
            _seed(params.seed, progress.step, fabric.global_rank)
            batch = data.batch(progress.step)

            ids, following = fabric.to_device((batch.ids, batch.following))
            loss, after = learner.loss(ids, following, None if batch.begins else state)
            loss = loss * batch.share
            state = {name: part.detach() for name, part in after.items()} if data.is_carried else None

            mean_loss, norm, rate = _step(learner, loss, params, progress, fabric)
            progress.stepped(mean_loss, norm)
            curves.stepped(progress.step, mean_loss, norm, rate)

            is_due = time.monotonic() - saved > _CHECKPOINT_SECONDS
            wanted = processes.most(_STOP if interrupted.is_set() else _SAVE if is_due else _GO_ON, fabric)
            if wanted == _STOP:
                _stop(progress, curves, save)
            if wanted == _SAVE:
                save()
                saved = time.monotonic()
        curves.finish(_summary(progress, data, params))
    if fabric.is_global_zero:
        step = progress.best_step if params.patience else progress.step
        network.publish(learner.best.cpu(), step, outputs.trained)
        checkpoints.clear()


@contextmanager
def _curves(
    outputs: Outputs, data: Data, params: TrainParams, progress: Progress, fabric: Fabric
) -> Iterator[Curves | NoCurves]:
    """Shows the run; its curves are in place once it has ended."""
    if not fabric.is_global_zero:
        yield NoCurves()
        return
    with (
        replacing(outputs.curves) as temporary,
        Curves(temporary, outputs.tensorboard, data, params.max_steps, progress) as curves,
    ):
        yield curves


def _step(
    learner: Learner, loss: Tensor, params: TrainParams, progress: Progress, fabric: Fabric
) -> tuple[float, float, float]:
    """A step of the optimiser; returns the mean loss, the gradients' norm and the learning rate."""
    learner.optimizer.zero_grad()
    fabric.backward(loss)
    norm = processes.clip(learner.loss, learner.optimizer, params.clip, fabric)
    mean_loss, rate = processes.mean(loss, fabric), learning_rate(params, progress.step)
    _check(mean_loss, norm, rate, progress.step)
    learner.set_learning_rate(rate)
    learner.optimizer.step()
    if learner.average:
        learner.average.update(learner.network, progress.step)
    return mean_loss, norm, rate


def _stop(progress: Progress, curves: Curves | NoCurves, save: Callable[[], None]) -> NoReturn:
    """Ends a run after Ctrl-C, so that the next one continues from there."""
    if progress.step:
        save()
        curves.finish(f"stopped after step {progress.step}; the next run continues from there")
    raise KeyboardInterrupt


def _seed(seed: int, step: int, rank: int) -> None:
    """Makes dropout and sampling depend on these alone, so that a resumed run equals an unbroken one."""
    sequence = np.random.SeedSequence([seed, step, rank])
    torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1)))


def _check(loss: float, norm: float, rate: float, step: int) -> None:
    """Checks that training has not diverged."""
    if not math.isfinite(norm) or not loss < _EXPLODED:
        raise TrainingError(
            f"training has diverged at step {step + 1}: loss {loss:.4g}, gradient norm {norm:.4g}, learning "
            f"rate {rate:.3g}; lower train.learning_rate or train.clip, or raise train.warmup_steps"
        )


def _summary(progress: Progress, data: Data, params: TrainParams) -> str:
    """How the run ended, for the user."""
    point, best = progress.points[-1], data.best
    loss, accuracy = f"loss {point.loss:.4f}", f"accuracy {share_of(point.accuracy, data.unit)}"
    if params.context is not None:
        loss += f" (its floor is {best.loss:.4f})"
        accuracy += f" (its ceiling is {best.accuracy:.2%})"
    text = f"{point.step} steps: {loss}, {accuracy}"
    if params.patience:
        text += f"; published: step {progress.best_step}, loss {progress.best_loss:.4f}"
    return text


@contextmanager
def _ctrl_c() -> Iterator[Event]:
    """An event that Ctrl-C sets, so that no step is cut short; a second Ctrl-C stops at once."""
    interrupted = Event()

    def note(_number: int, _frame: FrameType | None) -> None:
        interrupted.set()
        with suppress(OSError):  # nobody may be listening
            os.write(sys.stdout.fileno(), b"stopping after this step; another Ctrl-C stops at once\n")
        signal.signal(signal.SIGINT, previous)

    previous = signal.signal(signal.SIGINT, note)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, previous)
