"""The training loop: AdamW over windows in random order, until the loss is near its floor."""

import dataclasses
import hashlib
import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event
from types import FrameType

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from nextword.errors import TrainingError
from nextword.training import batches, checkpoint, evaluation, model
from nextword.training.checkpoint import CHECKPOINT
from nextword.training.corpus import Corpus
from nextword.training.curves import Curves, Point
from nextword.training.model import Architecture, NextWordModel
from nextword.training.params import TrainParams

_CHECKPOINT_SECONDS = 60


def train(corpus: Corpus, params: TrainParams) -> None:
    """Trains a model and publishes it, with its learning curves.

    The loss on all windows is measured after each epoch, with the weights as they would be
    published. Training ends when it is within `stop_within` of its floor, or after `max_steps`.
    A run that was interrupted goes on from its checkpoint.

    **Raises:** `CorpusError` for a text shorter than the context, `TrainingError` if the loss
    stops being a finite number, `KeyboardInterrupt` after Ctrl-C, with the checkpoint written.
    """
    windows = batches.windows(corpus.training, params.context)
    best = evaluation.best_possible(windows)
    architecture = _architecture(corpus, params)
    network = NextWordModel(architecture, params.seed)
    optimizer = torch.optim.AdamW(
        network.parameters(), params.learning_rate, weight_decay=params.weight_decay
    )
    run = _identity(corpus, params)
    progress = checkpoint.resume(CHECKPOINT, run, network, optimizer)
    epoch = batches.per_epoch(len(windows), params.batch)
    order = batches.shuffled(len(windows), params.batch, params.seed, progress.step)
    saved = time.monotonic()
    with (
        Curves(best, params.max_steps, progress.step, progress.points) as curves,
        _ctrl_c() as interrupted,
    ):
        while True:
            if progress.step % epoch == 0 or progress.step == params.max_steps:
                quality = evaluation.predict(model.rounded(network), windows).quality
                progress.points.append(Point(progress.step, quality.loss, quality.accuracy))
                curves.measured(progress.points[-1])
                if quality.loss <= best.loss + params.stop_within or progress.step == params.max_steps:
                    break
            _step(network, optimizer, windows.take(next(order)), params.clip, progress.step)
            progress.step += 1
            curves.stepped()
            if interrupted.is_set() or time.monotonic() - saved > _CHECKPOINT_SECONDS:
                checkpoint.save(CHECKPOINT, run, progress, network, optimizer)
                saved = time.monotonic()
            if interrupted.is_set():
                curves.finish(f"stopped after step {progress.step}; the next run goes on from there")
                raise KeyboardInterrupt
        curves.finish(
            f"{progress.step} steps: loss {quality.loss:.4f} (its floor is {best.loss:.4f}), "
            f"accuracy {quality.accuracy:.2%} (its ceiling is {best.accuracy:.2%})"
        )
    model.publish(network, dataclasses.replace(architecture, steps=progress.step))
    CHECKPOINT.unlink(missing_ok=True)


def _step(
    network: NextWordModel,
    optimizer: torch.optim.Optimizer,
    windows: tuple[NDArray[np.int64], NDArray[np.int64]],
    clip: float,
    step: int,
) -> None:
    """One step of the optimiser on the mean cross-entropy of a batch of windows."""
    contexts, next_words = (torch.from_numpy(part) for part in windows)
    logits, _ = network(contexts)
    loss = nn.functional.cross_entropy(logits, next_words)
    if not loss.isfinite():
        raise TrainingError(
            f"the loss is {loss.item()} after step {step}; lower train.learning_rate or train.clip"
        )
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), clip)
    optimizer.step()


def _architecture(corpus: Corpus, params: TrainParams) -> Architecture:
    return Architecture(
        dictionary=len(corpus.dictionary),
        embedding=params.embedding,
        hidden=params.hidden,
        layers=params.layers,
        context=params.context,
        precision=params.precision,
    )


def _identity(corpus: Corpus, params: TrainParams) -> str:
    """What a run computes, so that a checkpoint of another run is not taken up."""
    parts = [
        params.model_dump(),
        corpus.sha256,
        corpus.split_by,
        corpus.lowercase,
        corpus.ends,
        corpus.dictionary.words,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


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
