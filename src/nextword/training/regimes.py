"""What a step learns from and how the model is measured: windows, or streams of the whole text."""

from typing import Protocol

import torch
from torch import Tensor, nn

from nextword.training import batches, evaluation
from nextword.training.corpus import Corpus
from nextword.training.evaluation import Quality
from nextword.training.model import NextWordModel, State
from nextword.training.params import TrainParams

_MEASURED = 50_000  # words of the training part on which it is measured if nothing is held out


class Regime(Protocol):
    """How a model is trained.

    **Attributes:** `epoch`, steps that read the text once; `best`, the ceiling and the floor of what
    is measured; `state`, which is carried from step to step.
    """

    epoch: int
    best: Quality
    state: State | None

    def loss(self, network: NextWordModel, step: int, /) -> Tensor:
        """The mean cross-entropy of what the step reads, in nats."""

    def measure(self, network: NextWordModel) -> Quality:
        """The quality of a network whose weights are as they would be published."""


class WindowRegime:
    """Independent windows of a fixed context, from the zero state, in random order.

    **Arguments:**

    - `start`: steps that were taken before.
    """

    def __init__(self, corpus: Corpus, params: TrainParams, context: int, start: int) -> None:
        self._windows = batches.windows(corpus.training, context)
        self._order = batches.shuffled(len(self._windows), params.batch, params.seed, start)
        self.epoch = batches.per_epoch(len(self._windows), params.batch)
        self.best = evaluation.best_possible(self._windows)
        self.state: State | None = None

    def loss(self, network: NextWordModel, _step: int, /) -> Tensor:
        """The mean cross-entropy of the words that follow a batch of windows."""
        contexts, next_words = map(torch.from_numpy, self._windows.take(next(self._order)))
        logits, _ = network(contexts)
        return nn.functional.cross_entropy(logits, next_words)

    def measure(self, network: NextWordModel) -> Quality:
        """The quality on all windows."""
        return evaluation.predict(network, self._windows).quality


class StreamRegime:
    """The text as contiguous streams side by side, by truncated back-propagation through time.

    The state is carried from step to step, gradients are not (Williams & Peng 1990); the loss is on
    every word. The model is measured on the validation part, or without one on the beginning of
    what it learns from.

    **Arguments:**

    - `state`: the one that was carried when the run was stopped.
    """

    def __init__(self, corpus: Corpus, params: TrainParams, state: State | None) -> None:
        self._params = params
        self._text = batches.streams(corpus.training, params.batch, params.words_per_step)
        self._measured = corpus.held_out.get("validation", corpus.training[:_MEASURED])
        self.epoch = batches.steps_per_epoch(self._text, params.words_per_step)
        # With all of the text before it, each word could be known.
        self.best = Quality(accuracy=1.0, top_3_accuracy=1.0, loss=0.0, perplexity=1.0)
        self.state = state

    def loss(self, network: NextWordModel, step: int, /) -> Tensor:
        """The mean cross-entropy of all words of a step."""
        ids, following, anew = batches.stream_step(
            self._text, self._params.words_per_step, self._params.seed, step
        )
        logits, (hidden, cell) = network.after_each_word(torch.from_numpy(ids), None if anew else self.state)
        self.state = hidden.detach(), cell.detach()
        return nn.functional.cross_entropy(logits.flatten(0, 1), torch.from_numpy(following.T).flatten())

    def measure(self, network: NextWordModel) -> Quality:
        """The quality on the validation part, its state carried."""
        return evaluation.predict_text(network, self._measured).quality
