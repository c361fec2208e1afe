"""How good a model is on a text file of any length, without the workshop: the `evaluate` command."""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from nextword import sampling
from nextword.cache import CacheSettings, NeuralCache
from nextword.errors import PromptError
from nextword.keyboard import SUGGESTIONS, Keyboard
from nextword.model_file import ModelFile
from nextword.reader import after_each_context
from nextword.words import Joiner

_MOST_LOSS = 700  # nats; exp of more is beyond a float


@dataclass(frozen=True)
class FileEvaluation:
    """What a model is worth on a text, over every word that has a full context before it.

    - `words`: number of those words.
    - `perplexity`: exp of the mean of −ln P(word).
    - `accuracy`, `top_3_accuracy`: share of words that were held likeliest, or among the three
      likeliest.
    - `keystrokes_saved`: share of the keystrokes that a user of a keyboard with three suggestions
      need not make, as `keyboard.Keyboard` counts them.
    """

    words: int
    perplexity: float
    accuracy: float
    top_3_accuracy: float
    keystrokes_saved: float


def evaluate(model: ModelFile, words: Iterable[str], cache: CacheSettings) -> FileEvaluation:
    """Evaluates a model on one text, in memory that does not grow with it.

    **Arguments:**

    - `words`: the text.
    - `cache`: of the neural cache; a size of 0 is none.

    **Raises:** `PromptError` for a text without a single word to evaluate, `UnknownWordError`.
    """
    tally = _Tally()
    keyboard = Keyboard(model.dictionary, Joiner(model.metadata.split_by, model.metadata.line_ends))
    words = iter(words)
    first = list(islice(words, model.metadata.context or 1))
    for word in first:
        keyboard.show(word)
    waiting: deque[str] = deque()  # words that were read and not yet evaluated

    def ids() -> Iterator[int]:
        yield from model.dictionary.encode(first)
        for word in words:
            waiting.append(word)
            yield from model.dictionary.encode([word])

    for log_probabilities, id in _predictions(model, ids(), NeuralCache(cache, model.metadata.hidden)):
        tally.predicted(log_probabilities, id)
        keyboard.type(waiting.popleft(), id, log_probabilities)
    if not tally.words:
        raise PromptError(f"the text has too few words to evaluate; give at least {len(first) + 1}")
    return tally.result(keyboard.saved)


class _Tally:
    """Sums of what was seen."""

    def __init__(self) -> None:
        self.words = 0
        self._loss = self._right = self._right_3 = 0.0

    def predicted(self, log_probabilities: NDArray[np.float64], id: int) -> None:
        rank = _rank(log_probabilities, id)
        self.words += 1
        self._loss -= float(log_probabilities[id])
        self._right += rank == 0
        self._right_3 += rank < SUGGESTIONS

    def result(self, keystrokes_saved: float) -> FileEvaluation:
        loss = self._loss / self.words
        return FileEvaluation(
            words=self.words,
            perplexity=math.exp(loss) if loss < _MOST_LOSS else math.inf,
            accuracy=self._right / self.words,
            top_3_accuracy=self._right_3 / self.words,
            keystrokes_saved=keystrokes_saved,
        )


def _predictions(
    model: ModelFile, ids: Iterator[int], memory: NeuralCache
) -> Iterator[tuple[NDArray[np.float64], int]]:
    """The log-probabilities `(dictionary,)` before each word that has a full context, and its id."""
    for expected, following in after_each_context(model, ids):
        for log_probabilities, hidden, id in zip(
            sampling.log_softmax(expected.logits), expected.hidden, following.tolist(), strict=True
        ):
            yield memory.mix(log_probabilities, hidden), id
            memory.remember(hidden, id)


def _rank(log_probabilities: NDArray[np.float64], id: int) -> int:
    """How many words are likelier; equals count by id."""
    own = log_probabilities[id]
    return int((log_probabilities > own).sum() + (log_probabilities[:id] == own).sum())
