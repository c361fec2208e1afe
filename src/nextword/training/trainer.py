"""The training loop: AdamW on what a regime reads, measured after each epoch."""

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
from torch import nn

from nextword.errors import TrainingError
from nextword.training import checkpoint, model
from nextword.training.checkpoint import CHECKPOINT
from nextword.training.corpus import Corpus
from nextword.training.curves import Curves, Point
from nextword.training.model import Architecture, NextWordModel
from nextword.training.params import TrainParams
from nextword.training.regimes import Regime, StreamRegime, WindowRegime

_CHECKPOINT_SECONDS = 60


def train(corpus: Corpus, params: TrainParams) -> None:
    """Trains a model and publishes it, with its learning curves.

    The model is measured after each epoch, with the weights as they would be published. Training
    ends after `max_steps`, or with a fixed context when the loss on all windows is within
    `stop_within` of its floor. A run that was interrupted goes on from its checkpoint.

    **Raises:** `CorpusError` for a text that is too short, `TrainingError` if the loss stops being a
    finite number, `KeyboardInterrupt` after Ctrl-C, with the checkpoint written.
    """
    architecture = _architecture(corpus, params)
    network = NextWordModel(architecture, params.seed, params.dropout)
    if params.context is None:
        network.expect(np.bincount(corpus.training, minlength=len(corpus.dictionary)))
    optimizer = torch.optim.AdamW(
        network.parameters(), params.learning_rate, weight_decay=params.weight_decay
    )
    run = _identity(corpus, params)
    progress, state = checkpoint.resume(CHECKPOINT, run, network, optimizer)
    regime: Regime
    if params.context is None:
        regime = StreamRegime(corpus, params, state)
    else:
        regime = WindowRegime(corpus, params, params.context, progress.step)
    saved = time.monotonic()
    with (
        Curves(regime.best, params.max_steps, progress.step, progress.points) as curves,
        _ctrl_c() as interrupted,
    ):
        while True:
            if progress.step % regime.epoch == 0 or progress.step == params.max_steps:
                quality = regime.measure(model.rounded(network))
                progress.points.append(Point(progress.step, quality.loss, quality.accuracy))
                curves.measured(progress.points[-1])
                is_near = params.context is not None and quality.loss <= regime.best.loss + params.stop_within
                if is_near or progress.step == params.max_steps:
                    break
            _step(network, optimizer, regime, params, progress.step)
            progress.step += 1
            curves.stepped()
            if interrupted.is_set() or time.monotonic() - saved > _CHECKPOINT_SECONDS:
                checkpoint.save(CHECKPOINT, run, progress, network, optimizer, regime.state)
                saved = time.monotonic()
            if interrupted.is_set():
                curves.finish(f"stopped after step {progress.step}; the next run goes on from there")
                raise KeyboardInterrupt
        curves.finish(
            f"{progress.step} steps: loss {quality.loss:.4f} (its floor is {regime.best.loss:.4f}), "
            f"accuracy {quality.accuracy:.2%} (its ceiling is {regime.best.accuracy:.2%})"
            if params.context
            else f"{progress.step} steps: loss {quality.loss:.4f}, accuracy {quality.accuracy:.2%}"
        )
    model.publish(network, dataclasses.replace(architecture, steps=progress.step))
    CHECKPOINT.unlink(missing_ok=True)


def _step(
    network: NextWordModel,
    optimizer: torch.optim.Optimizer,
    regime: Regime,
    params: TrainParams,
    step: int,
) -> None:
    """One step of the optimiser on the mean cross-entropy of what the regime reads."""
    if params.dropout:
        # What is dropped turns on seed and step alone, so that a stopped run goes on as it would have.
        torch.manual_seed(params.seed * 2**31 + step)
    if params.schedule == "linear":
        for group in optimizer.param_groups:
            group["lr"] = params.learning_rate * (1 - step / params.max_steps)
    loss = regime.loss(network, step)
    if not loss.isfinite():
        raise TrainingError(
            f"the loss is {loss.item()} after step {step}; lower train.learning_rate or train.clip"
        )
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(network.parameters(), params.clip)
    optimizer.step()


def _architecture(corpus: Corpus, params: TrainParams) -> Architecture:
    return Architecture(
        dictionary=len(corpus.dictionary),
        embedding=params.embedding,
        hidden=params.hidden,
        layers=params.layers,
        context=params.context,
        precision=params.precision,
        tied=params.tied,
    )


def _identity(corpus: Corpus, params: TrainParams) -> str:
    """What a run computes, so that a checkpoint of another run is not taken up."""
    parts = [
        params.model_dump(),
        corpus.sha256,
        corpus.split_by,
        corpus.lowercase,
        corpus.line_ends,
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
