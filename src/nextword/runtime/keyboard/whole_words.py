"""A model of whole words behind a keyboard: what it expects, and which of its words the user may mean."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from nextword.runtime import draw
from nextword.runtime.keyboard.candidates import MODEL, WordTable, best
from nextword.runtime.keyboard.language import SHARE, Language
from nextword.runtime.keyboard.layouts import Layout
from nextword.runtime.keyboard.text_field import is_word
from nextword.runtime.learning.dynamic_evaluation import DynamicEvaluation
from nextword.runtime.model_file import ModelFile
from nextword.text.letters import LetterModel
from nextword.text.words import END_OF_LINE

_LETTERS = 3  # order of the letter model
_SPELLINGS = 4096  # cached


class WholeWords(Language):
    """A language whose words are entries of its dictionary; `<unk>` stands for all others.

    **Arguments:**

    - `model`, `adapts`, `dynamic`: as for `Language`.
    - `layout`: of the keys.
    - `punctuation`: whether punctuation marks and line ends are candidates.
    """

    is_marked = False

    def __init__(
        self,
        model: ModelFile,
        adapts: bool,
        layout: Layout,
        punctuation: bool,
        dynamic: DynamicEvaluation | None = None,
    ) -> None:
        super().__init__(model, adapts, dynamic)
        spelt = [
            word
            for id, word in enumerate(self.dictionary.words)
            if id != self.dictionary.unknown and word != END_OF_LINE
        ]
        self._letters = LetterModel(spelt, _LETTERS)
        # What all strings that the dictionary lacks have in common.
        self._of_unknown_letters = max(1 - self._letters.total(spelt), 1e-9)
        self._spellings: dict[str, float] = {}
        self._table = WordTable(self.dictionary.words, layout)
        self._masks = _masks(self, punctuation)

    def has(self, word: str) -> bool:
        """Whether the dictionary has a word."""
        return word in self.dictionary and not self.dictionary.is_unknown(word)

    def can_write(self, word: str) -> bool:
        """The same: no other word can be suggested."""
        return self.has(word)

    def spelling(self, word: str) -> float:
        """P(letters | the dictionary lacks the word); these add up to 1 over all strings that it lacks."""
        if word not in self._spellings:
            if len(self._spellings) >= _SPELLINGS:
                self._spellings.clear()
            self._spellings[word] = math.exp(self._letters.log_probability(word)) / self._of_unknown_letters
        return self._spellings[word]

    def best(
        self, log_probabilities: NDArray[np.float32], typed: str, most: int, whole: bool
    ) -> dict[str, int]:
        """The words with the best scores, and the cost of typing them."""
        weight = np.float32(MODEL if typed else 1.0)
        scores = weight * (log_probabilities + self._masks[bool(typed)])
        return best(self._table, scores, typed, most, whole)

    def _is_new(self, word: str) -> bool:
        return not self.has(word)

    def _ids(self, word: str) -> Sequence[int]:
        return self.dictionary.encode([word]) if self.has(word) or self.dictionary.unknown is not None else ()

    def _likelihoods(self) -> NDArray[np.floating]:
        found = self.expected
        assert isinstance(found, _Expected)
        return found.log_probabilities

    def _expectation(self) -> "_Expected":
        adaptation, id = self.adaptation, self.dictionary.unknown
        found = draw.log_softmax(adaptation.of_logits(self._logits))
        by_model, others = SHARE, 1.0
        if id is not None:
            by_model = min(math.exp(found[id]), 1 - 1e-9)
            others = 1 - by_model
            found[id] = -np.inf
        unknown = adaptation.of_unknown(by_model)
        found = adaptation.of_probabilities(found - math.log(others), self._features) + math.log(1 - unknown)
        return _Expected(self, found.astype(np.float32), unknown, by_model, self._logits)


@dataclass(frozen=True)
class _Expected:
    """What a language of whole words expects next.

    - `log_probabilities`: of each word of the dictionary, `(dictionary,)`, −inf for `<unk>`. Together with
      `unknown` they add up to 1.
    - `unknown`, `by_model`, `logits`: as in `Expected`.
    """

    language: WholeWords
    log_probabilities: NDArray[np.float32]
    unknown: float
    by_model: float
    logits: NDArray[np.floating]

    def known(self, words: Sequence[str], _least: Mapping[str, float]) -> list[tuple[float, float]]:
        language = self.language
        return [
            (math.exp(self.log_probabilities[language.dictionary.encode([word])[0]]), 0.0)
            if language.has(word)
            else (0.0, self.unknown)
            for word in words
        ]

    def spelling(self, word: str, _least: float = 0.0) -> float:
        return self.language.spelling(word)

    def candidates(self, typed: str, most: int, whole: bool) -> dict[str, int]:
        return self.language.best(self.log_probabilities, typed, most, whole)


def _masks(language: WholeWords, punctuation: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """0 for the words that can be suggested, else −inf: once for no typed letters, and once for some."""
    never = np.array([id == language.dictionary.unknown for id in range(len(language.dictionary))])
    no_word = never | ~np.array([is_word(word) for word in language.dictionary.words])
    masks = [np.where(mask, -np.inf, 0).astype(np.float32) for mask in (never, no_word)]
    return (masks[0] if punctuation else masks[1]), masks[1]
