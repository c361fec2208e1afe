"""What a step learns from: windows in random order, or streams of the whole text."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from nextword import tracking
from nextword.errors import CorpusError
from nextword.figures import Quality
from nextword.model import predictions
from nextword.model.cells import CELLS
from nextword.model.network import NO_WORD
from nextword.model.predictions import Text
from nextword.params import TrainParams
from nextword.text import windows
from nextword.text.corpus import Corpus
from nextword.text.dictionary import amount

_MEASUREMENTS = 5  # at least, in a run that may be too short to read a long text to its end
_SHORTENED = 8  # one window in this many is read only in part
_MEASURED = 50_000  # words of the training part on which it is measured if nothing is held out
_SAMPLE = 5_000  # windows on which it is measured while training goes on
_SAMPLE_SHARE = 1 / 3  # the same for streams: a share of the words between measurements, at least 50,000


@dataclass(frozen=True)
class Batch:
    """What one process reads in a step.

    - `ids`: shape `(batch, time)`.
    - `following`: the words that follow the last of them, shape `(batch, words)`.
    - `begins`: whether the state before the first word is zero, rather than the one after the last step.
    - `share`: the weight of its mean loss relative to the other processes; 1 if all batches are equally
      large.
    """

    ids: Tensor
    following: Tensor
    begins: bool = True
    share: float = 1.0


class Data(Protocol):
    """What a run reads.

    **Attributes:** `unit`, what the ids stand for, `words` or `subwords`; `interval`, steps between two
    measurements; `words`, how many of them all processes together predict in a step; `measured`, what the
    model is measured on at the end; `best`, the best possible quality on that; `sample`, all or part of
    that, used until then; `sample_floor`, the lowest possible loss on it; `is_carried`, whether each step
    starts from the state after the last.
    """

    unit: str
    is_carried: bool
    interval: int
    words: int
    measured: Text
    best: Quality
    sample: Text
    sample_floor: float

    def batch(self, step: int) -> Batch:
        """What this process reads in a step; steps are numbered from 0."""


def make_data(corpus: Corpus, params: TrainParams, rank: int, processes: int) -> Data:
    """What a run reads: windows for a fixed context, streams for an unbounded one.

    **Arguments:**

    - `rank`, `processes`: the number of this process, and how many there are.

    **Raises:** `CorpusError` for a part of the text that is too short.
    """
    first, unit = params.context or 1, corpus.dictionary.unit
    for name, ids in corpus.held_out.items():
        if len(ids) <= first:
            raise CorpusError(
                f"the {name} part has {amount(len(ids), unit)}, and none is left to predict after the first "
                f"{first}; hold out more lines, or none"
            )
    if params.context is None:
        return Streams(corpus, params, rank, processes)
    return ShuffledWindows(corpus, params, params.context, rank, processes)


class ShuffledWindows:
    """Independent windows of a fixed context, from the zero state, in a new order in each epoch.

    During training, the model is measured on a fixed sample of the windows of a long text.
    The order depends only on `train.seed` and the number of the epoch, so that a run that was stopped
    resumes exactly where it was. A cell without a state reads a text that is shorter than its context
    as if zero vectors preceded it. So that it learns these, each step replaces the first words of one window
    in eight by zero vectors.
    """

    is_carried = False

    def __init__(
        self, corpus: Corpus, params: TrainParams, context: int, rank: int = 0, processes: int = 1
    ) -> None:
        self.unit = corpus.dictionary.unit
        self._windows = windows.windows(corpus.training, context, self.unit)
        self._batch, self._seed = params.batch, params.seed
        self._is_padded = not CELLS[params.cell].states and context > 1
        self._rank, self._processes = rank, processes
        self.interval = -(-len(self._windows) // params.batch)  # an epoch
        self.words = min(params.batch, len(self._windows))
        self.measured: Text = self._windows
        self.sample: Text = self._windows
        with tracking.phase("finding the best possible predictions"):
            self.best = predictions.best_possible(self._windows, corpus.dictionary.unknown)
            self.sample_floor = self.best.loss
            if len(self._windows) > _SAMPLE:
                random = np.random.default_rng([params.seed, _SAMPLE])
                chosen = np.sort(random.choice(len(self._windows), _SAMPLE, replace=False))
                self.sample = self._windows.chosen(chosen)
                self.sample_floor = predictions.lowest_loss(self._windows, chosen)

    def batch(self, step: int) -> Batch:
        """The windows of a step that this process reads."""
        epoch, place = divmod(step, self.interval)
        order = _order(len(self._windows), self._seed, epoch)
        rows = order[place * self._batch : (place + 1) * self._batch]
        own = np.arange(len(rows))[self._rank :: self._processes]
        share = len(own) * self._processes / len(rows)
        # If there are fewer windows than processes, some read one that does not count.
        own = own if len(own) else np.zeros(1, np.int64)
        contexts, next_words = self._windows.take(rows[own])
        if self._is_padded:
            contexts[_is_left_out(len(rows), contexts.shape[1], self._seed, step)[own]] = NO_WORD
        return Batch(torch.from_numpy(contexts), torch.from_numpy(next_words)[:, None], share=share)


class Streams:
    """The text as contiguous streams side by side, for truncated back-propagation through time.

    The state is carried from step to step but gradients are not (Williams & Peng 1990); the loss covers
    every word. Each epoch begins at a different word, so that the steps cut the text at different places.
    The model is measured on the validation part, or without one on the beginning of the training part;
    during training, only on the beginning of a long validation part.
    """

    is_carried = True

    def __init__(self, corpus: Corpus, params: TrainParams, rank: int = 0, processes: int = 1) -> None:
        self.unit = corpus.dictionary.unit
        length = len(corpus.training) // params.batch
        if length < 2 * params.words_per_step + 1:
            raise CorpusError(
                f"the text has {amount(len(corpus.training), self.unit)}, too few for "
                f"{amount(params.batch, 'streams')} of {amount(params.words_per_step, self.unit)} a step; "
                "lower train.batch or train.words_per_step, or use a longer text"
            )
        whole = corpus.training[: params.batch * length].reshape(params.batch, length)
        self._text = whole[rank::processes]  # (streams, words)
        self._words_per_step, self._seed = params.words_per_step, params.seed
        self._steps = (
            length - params.words_per_step
        ) // params.words_per_step  # an epoch, wherever it begins
        self.interval = min(self._steps, max(1, params.max_steps // _MEASUREMENTS))
        self.words = params.batch * params.words_per_step
        self.measured: Text = corpus.held_out.get("validation", corpus.training[:_MEASURED])
        most = max(_MEASURED, int(_SAMPLE_SHARE * self.interval * self.words))
        self.sample: Text = self.measured if len(self.measured) <= most else self.measured[:most]
        # Given all of the text before it, each word may be certain.
        self.best = Quality(accuracy=1.0, top_3_accuracy=1.0, loss=0.0, perplexity=1.0)
        self.sample_floor = self.best.loss

    def batch(self, step: int) -> Batch:
        """The words of this process's streams that a step reads, and the word after each."""
        epoch, place = divmod(step, self._steps)
        offset = int(np.random.default_rng([self._seed, epoch]).integers(self._words_per_step))
        start = offset + place * self._words_per_step
        end = start + self._words_per_step
        ids, following = (
            torch.from_numpy(self._text[:, first:last].astype(np.int64))
            for first, last in ((start, end), (start + 1, end + 1))
        )
        return Batch(ids, following, begins=place == 0)


def _is_left_out(count: int, context: int, seed: int, step: int) -> NDArray[np.bool_]:
    """Which words of a step's windows are not read, `(count, context)`: the first ones in one of eight."""
    random = np.random.default_rng([seed, step, _SHORTENED])
    missing = random.integers(1, context, count) * (random.integers(_SHORTENED, size=count) == 0)
    left_out: NDArray[np.bool_] = np.arange(context) < missing[:, None]
    return left_out


@lru_cache(maxsize=1)
def _order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order of the windows in an epoch."""
    return np.random.default_rng([seed, epoch]).permutation(count)
