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
from nextword.dictionary import Dictionary
from nextword.errors import PromptError
from nextword.model_file import ModelFile
from nextword.reader import after_each_context
from nextword.words import Joiner

SUGGESTIONS = 3  # that a user of the keyboard sees

_MOST_LOSS = 700  # nats; exp of more is beyond a float


@dataclass(frozen=True)
class FileEvaluation:
    """What a model is worth on a text, over every word that has a full context before it.

    - `words`: number of those words.
    - `perplexity`: exp of the mean of −ln P(word).
    - `accuracy`, `top_3_accuracy`: share of words that were held likeliest, or among the three
      likeliest.
    - `keystrokes_saved`: share of the keystrokes that a user of a keyboard with three suggestions
      need not make (keystroke savings, Trnka & McCoy 2008). Without suggestions each character
      costs one, the blank before a word included. With them the user looks before each character
      whether the word is among the three likeliest that begin with what was typed of it, and
      takes it with one keystroke, blank included, as soon as that costs less than typing on.
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
    keyboard = _Keyboard(model.dictionary, Joiner(model.metadata.split_by, model.metadata.line_ends))
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
        tally.typed(*keyboard.type(waiting.popleft(), id, log_probabilities))
    if not tally.words:
        raise PromptError(f"the text has too few words to evaluate; give at least {len(first) + 1}")
    return tally.result()


class _Tally:
    """Sums of what was seen."""

    def __init__(self) -> None:
        self.words = 0
        self._loss = self._right = self._right_3 = self._characters = self._keystrokes = 0.0

    def predicted(self, log_probabilities: NDArray[np.float64], id: int) -> None:
        rank = _rank(log_probabilities, id)
        self.words += 1
        self._loss -= float(log_probabilities[id])
        self._right += rank == 0
        self._right_3 += rank < SUGGESTIONS

    def typed(self, characters: int, keystrokes: int) -> None:
        self._characters += characters
        self._keystrokes += keystrokes

    def result(self) -> FileEvaluation:
        loss = self._loss / self.words
        return FileEvaluation(
            words=self.words,
            perplexity=math.exp(loss) if loss < _MOST_LOSS else math.inf,
            accuracy=self._right / self.words,
            top_3_accuracy=self._right_3 / self.words,
            keystrokes_saved=1 - self._keystrokes / self._characters,
        )


class _Keyboard:
    """Counts what a user of a keyboard with suggestions types."""

    def __init__(self, dictionary: Dictionary, joiner: Joiner) -> None:
        self._dictionary = dictionary
        self._joiner = joiner

    def show(self, word: str) -> None:
        """A word that stands before the first one that counts."""
        self._joiner.push(word)

    def type(self, word: str, id: int, log_probabilities: NDArray[np.float64]) -> tuple[int, int]:
        """The characters of the next word, and the keystrokes that it takes."""
        characters = len(self._joiner.push(word))
        if id != self._dictionary.unknown:
            # With one character left to type, a suggestion saves nothing any more.
            for typed in range(characters - 1):
                if self._is_suggested(id, word[:typed], log_probabilities):
                    return characters, typed + 1
        return characters, characters

    def _is_suggested(self, id: int, prefix: str, log_probabilities: NDArray[np.float64]) -> bool:
        """Whether a word is among the likeliest that begin with `prefix`."""
        ids = np.array(self._dictionary.starting_with(prefix)) if prefix else None
        found = log_probabilities if ids is None else log_probabilities[ids]
        own = log_probabilities[id]
        likelier = int((found > own).sum())
        if self._dictionary.unknown is not None and not prefix:
            likelier -= int(log_probabilities[self._dictionary.unknown] > own)
        return likelier < SUGGESTIONS


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
