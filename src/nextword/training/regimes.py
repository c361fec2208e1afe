"""What a step learns from and how the model is measured: windows, or streams of the whole text."""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from nextword.training import batches, evaluation
from nextword.training.corpus import Corpus
from nextword.training.dropout import State
from nextword.training.evaluation import Quality
from nextword.training.model import NextWordModel
from nextword.training.params import TrainParams

_MEASUREMENTS = 5  # of a run at least, though it may not read a long text to its end
_MEASURED = 50_000  # words of the training part on which it is measured if nothing is held out


@dataclass(frozen=True)
class Batch:
    """What one process reads in a step.

    - `ids`: shape `(batch, time)`.
    - `following`: the words that follow the last of them, shape `(batch, words)`.
    - `state`: before the first word, or `None` for zero.
    - `share`: by what its mean loss counts beside that of the other processes; 1 where all have
      equally much.
    """

    ids: Tensor
    following: Tensor
    state: State | None = None
    share: float = 1.0


class Regime(Protocol):
    """How a model is trained.

    **Attributes:** `interval`, steps between two measurements; `words`, how many words a step predicts,
    by all processes; `best`, the ceiling and the floor of what is measured; `state`, which this
    process carries from step to step.
    """

    interval: int
    words: int
    best: Quality
    state: State | None

    def batch(self, step: int, /) -> Batch:
        """What this process reads in a step."""

    def measure(self, network: NextWordModel) -> Quality:
        """The quality of a network whose weights are as they would be published."""


class WindowRegime:
    """Independent windows of a fixed context, from the zero state, in random order.

    **Arguments:**

    - `start`: steps that were taken before.
    - `rank`, `processes`: number of this process, and of all.
    """

    def __init__(
        self, corpus: Corpus, params: TrainParams, context: int, start: int, rank: int = 0, processes: int = 1
    ) -> None:
        self._windows = batches.windows(corpus.training, context)
        self._order = batches.shuffled(len(self._windows), params.batch, params.seed, start)
        self._rank, self._processes = rank, processes
        self.interval = batches.per_epoch(len(self._windows), params.batch)
        self.words = min(params.batch, len(self._windows))
        self.best = evaluation.best_possible(self._windows)
        self.state: State | None = None

    def batch(self, _step: int, /) -> Batch:
        """The windows of a batch that this process reads."""
        rows = next(self._order)
        # Where there are fewer windows than processes, some read one that does not count.
        own = rows[self._rank :: self._processes]
        contexts, next_words = map(torch.from_numpy, self._windows.take(own if len(own) else rows[:1]))
        return Batch(contexts, next_words[:, None], share=len(own) * self._processes / len(rows))

    def measure(self, network: NextWordModel) -> Quality:
        """The quality on all windows."""
        return evaluation.predict(network, self._windows).quality


class StreamRegime:
    """The text as contiguous streams side by side, by truncated back-propagation through time.

    The state is carried from step to step, gradients are not (Williams & Peng 1990); the loss is on
    every word. The model is measured on the validation part, or without one on the beginning of
    what it learns from.

    **Arguments:**

    - `state`: the one that this process carried when the run was stopped.
    - `rank`, `processes`: number of this process, and of all, among which the streams are divided.
    """

    def __init__(
        self, corpus: Corpus, params: TrainParams, state: State | None, rank: int = 0, processes: int = 1
    ) -> None:
        self._params = params
        text = batches.streams(corpus.training, params.batch, params.words_per_step)
        self._text = text[rank::processes]
        self._measured = corpus.held_out.get("validation", corpus.training[:_MEASURED])
        epoch = batches.steps_per_epoch(self._text, params.words_per_step)
        self.interval = min(epoch, max(1, params.max_steps // _MEASUREMENTS))
        self.words = params.batch * params.words_per_step
        # With all of the text before it, each word could be known.
        self.best = Quality(accuracy=1.0, top_3_accuracy=1.0, loss=0.0, perplexity=1.0)
        self.state = state

    def batch(self, step: int, /) -> Batch:
        """The words of this process's streams that a step reads, and each word that follows."""
        ids, following, anew = batches.stream_step(
            self._text, self._params.words_per_step, self._params.seed, step
        )
        return Batch(torch.from_numpy(ids), torch.from_numpy(following), None if anew else self.state)

    def measure(self, network: NextWordModel) -> Quality:
        """The quality on the validation part, its state carried."""
        return evaluation.predict_text(network, self._measured).quality
