"""The training loop, in the order in which things happen."""

import math
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from types import FrameType

import numpy as np
import torch
from lightning_fabric import Fabric

from nextword.errors import TrainingError
from nextword.figures import Quality
from nextword.model import network
from nextword.model.network import Network
from nextword.model.predictions import predict
from nextword.params import TrainParams
from nextword.text.corpus import Corpus
from nextword.train import processes
from nextword.train.checkpoint import Checkpoints
from nextword.train.curves import Curves, NoCurves
from nextword.train.data import Data, make_data
from nextword.train.learner import make_learner
from nextword.train.progress import Progress
from nextword.train.schedule import learning_rate

_CHECKPOINT_SECONDS = 60
_EXPLODED = 50  # nats a word: no network that learns is ever so wrong
_GO_ON, _SAVE, _STOP = range(3)  # what a process asks for after a step


@dataclass(frozen=True)
class Outputs:
    """Where a run writes: what it publishes, its checkpoints, and its curves for DVC and TensorBoard."""

    trained: Path
    checkpoints: Path
    curves: Path
    tensorboard: Path


def train(corpus: Corpus, params: TrainParams, outputs: Outputs) -> None:
    """Trains a network by AdamW and publishes it, with its learning curves.

    It is measured after each epoch, without a fixed context after each fifth of `max_steps` if that is
    sooner, with the weights as they would be published. Training ends after `max_steps`; with a fixed
    context when the loss on all windows is within `stop_within` of its floor; without one after
    `patience` measurements in which the validation loss did not fall. A run that was interrupted or
    killed goes on from its checkpoint.

    Started by `torchrun`, the processes divide what a step reads among them.

    **Raises:** `CorpusError` for a part of the text that is too short, `TrainingError` if the loss or the
    gradients stop being finite, or explode, `KeyboardInterrupt` after Ctrl-C, with the checkpoint
    written.
    """
    with processes.together(params) as fabric:
        # A function of its own, so that what belongs to all processes is gone before they part: PyTorch
        # may wait forever for a process group that something still holds.
        _train(corpus, params, outputs, fabric)


def _train(corpus: Corpus, params: TrainParams, outputs: Outputs, fabric: Fabric) -> None:
    data = make_data(corpus, params, fabric.global_rank, fabric.world_size)
    learner = make_learner(corpus, params, fabric)
    checkpoints = Checkpoints(outputs.checkpoints, corpus, params)
    progress, tensors = checkpoints.load()
    state = learner.restore(tensors, fabric) if tensors else None
    saved = time.monotonic()

    curves = (
        Curves(outputs.curves, outputs.tensorboard, data, params.max_steps, progress)
        if fabric.is_global_zero
        else NoCurves()
    )
    with curves, _ctrl_c() as interrupted:
        while True:
            if _is_measured(progress, data, params):
                quality = _measure(learner.measured, data, corpus.dictionary.unknown, fabric)
                learner.keep_best(quality, progress)
                last_rate = learning_rate(params, max(progress.step - 1, 0))
                curves.measured(progress.measured(quality, last_rate))
            if _is_over(progress, data, params):
                break
            _seed(params.seed, progress.step, fabric.global_rank)
            batch = data.batch(progress.step)

            ids, following = fabric.to_device((batch.ids, batch.following))
            loss, after = learner.loss(ids, following, None if batch.begins else state)
            loss = loss * batch.share
            state = {name: part.detach() for name, part in after.items()} if data.is_carried else None

            learner.optimizer.zero_grad()
            fabric.backward(loss)
            norm = processes.clip(learner.loss, learner.optimizer, params.clip, fabric)
            mean_loss, rate = processes.mean(loss, fabric), learning_rate(params, progress.step)
            _check(mean_loss, norm, rate, progress.step)
            learner.set_learning_rate(rate)
            learner.optimizer.step()
            if learner.average:
                learner.average.update(learner.network, progress.step)
            progress.stepped(mean_loss, norm)
            curves.stepped(progress.step, mean_loss, norm, rate)

            is_due = time.monotonic() - saved > _CHECKPOINT_SECONDS
            wanted = processes.most(_STOP if interrupted.is_set() else _SAVE if is_due else _GO_ON, fabric)
            if wanted != _GO_ON:
                checkpoints.save(progress, learner.tensors(state, fabric), fabric)
                saved = time.monotonic()
            if wanted == _STOP:
                curves.finish(f"stopped after step {progress.step}; the next run goes on from there")
                raise KeyboardInterrupt
        curves.finish(_summary(progress, data, params))
    if fabric.is_global_zero:
        step = progress.best_step if params.patience else progress.step
        network.publish(learner.best.cpu(), step, outputs.trained)
        checkpoints.clear()


def _is_measured(progress: Progress, data: Data, params: TrainParams) -> bool:
    """Whether it is time to measure, and was not yet done at this step."""
    is_time = progress.step % data.interval == 0 or progress.step == params.max_steps
    return is_time and (not progress.points or progress.points[-1].step < progress.step)


def _measure(measured: Network, data: Data, unknown: int | None, fabric: Fabric) -> Quality:
    """The quality of the weights as they would be published."""
    # One process measures; the others take what it found, so that all end at the same step.
    found = None
    if fabric.is_global_zero:
        found = predict(network.rounded(measured), data.measured, unknown).quality
    quality = fabric.broadcast(found)
    assert quality is not None
    return quality


def _is_over(progress: Progress, data: Data, params: TrainParams) -> bool:
    """Whether training ends at this step."""
    point = progress.points[-1]
    if point.step < progress.step:
        return False
    if params.context is not None:
        is_good = point.loss <= data.best.loss + params.stop_within
    else:
        stale = (point.step - progress.best_step) // data.interval
        is_good = 0 < params.patience <= stale
    return is_good or progress.step == params.max_steps


def _seed(seed: int, step: int, rank: int) -> None:
    """What is dropped or drawn turns on these alone, so that a stopped run goes on as it would have."""
    sequence = np.random.SeedSequence([seed, step, rank])
    torch.manual_seed(int(sequence.generate_state(1, np.uint64)[0] >> np.uint64(1)))


def _check(loss: float, norm: float, rate: float, step: int) -> None:
    """Makes sure that a step can be taken."""
    if not math.isfinite(norm) or not loss < _EXPLODED:
        raise TrainingError(
            f"training has diverged at step {step + 1}: loss {loss:.4g}, gradient norm {norm:.4g}, learning "
            f"rate {rate:.3g}; lower train.learning_rate or train.clip, or raise train.warmup_steps"
        )


def _summary(progress: Progress, data: Data, params: TrainParams) -> str:
    """How the run ended, for a person."""
    point, best = progress.points[-1], data.best
    loss, accuracy = f"loss {point.loss:.4f}", f"accuracy {point.accuracy:.2%}"
    if params.context is not None:
        loss += f" (its floor is {best.loss:.4f})"
        accuracy += f" (its ceiling is {best.accuracy:.2%})"
    text = f"{point.step} steps: {loss}, {accuracy}"
    if params.patience:
        text += f"; published: step {progress.best_step}, loss {progress.best_loss:.4f}"
    return text


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
