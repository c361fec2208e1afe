"""A text read word by word by a model that knows subwords: what it expects, and how likely each word was."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nextword import figures
from nextword.figures import SUGGESTIONS
from nextword.runtime import draw
from nextword.runtime.cache import NeuralCache
from nextword.runtime.entries import Entries
from nextword.runtime.keystrokes import IsSuggested
from nextword.runtime.learning.dynamic_evaluation import DynamicEvaluation
from nextword.runtime.reader import Model, Reader
from nextword.runtime.word_tree import FoundWord, WordTree


class WordReader:
    """Reads the words of one text.

    **Arguments:**

    - `model`: what reads subwords.
    - `entries`: of its dictionary.
    - `least`: how many subwords must come before the first predicted word.
    - `cache`: of the text's subwords, if any. A search uses it for the first subword of a word.
    - `dynamic`: what changes the model's weights, if anything.
    """

    def __init__(
        self,
        model: Model,
        entries: Entries,
        least: int,
        cache: NeuralCache | None = None,
        dynamic: DynamicEvaluation | None = None,
    ) -> None:
        self._model, self._entries, self._least = model, entries, least
        self._cache, self._dynamic = cache, dynamic
        self._reader = Reader(model)
        self._read = 0
        self._expected: NDArray[np.float64] | None = None  # log-probabilities of the next subword
        self._features: NDArray[np.float32]

    @property
    def is_ready(self) -> bool:
        """Whether enough has been read to predict the next word."""
        return self._read >= self._least

    def tree(self) -> WordTree:
        """The words that may come next, once something has been read."""
        assert self._expected is not None
        return WordTree(self._model, self._entries, self._reader, self._expected)

    def read(self, path: Sequence[int]) -> float:
        """Reads a word, given by its subwords.

        **Returns:** its log-probability in nats, the sum over its predicted subwords.
        """
        total = 0.0
        for place, id in enumerate(path):
            if self.is_ready and self._expected is not None:
                total += float(self._expected[id])
                if self._cache:
                    self._cache.remember(self._features, id)
            if self._dynamic:
                self._dynamic.note(id, self._reader.state, may_learn=place == 0)
            step = self._reader.read(np.array([[id]]))
            self._read += 1
            self._features = step.features[0]
            self._expected = draw.log_softmax(step.logits[0])
            if self._cache:
                self._expected = self._cache.mix(self._expected, self._features)
        return total


def rank_of(word: str, found: Sequence[FoundWord]) -> int:
    """How many words were likelier; `figures.NEVER` if the word was not found."""
    return next((rank for rank, one in enumerate(found) if one.word == word), figures.NEVER)


def is_suggested_by(tree: WordTree, word: str) -> IsSuggested:
    """Whether a search finds a word among the three likeliest, given what was typed of it."""

    def is_suggested(prefix: str) -> bool:
        return rank_of(word, tree.search(SUGGESTIONS, prefix)[0]) < SUGGESTIONS

    return is_suggested
