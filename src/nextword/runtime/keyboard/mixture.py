"""Several languages and the words of a user as one: what comes next, and what was meant."""

import math
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.runtime.keyboard.candidates import MOST, Candidates, WordTable
from nextword.runtime.keyboard.language import REMEMBERED, Expected, Language
from nextword.runtime.keyboard.layouts import Layout
from nextword.runtime.keyboard.personal import Personal
from nextword.runtime.keyboard.text_field import is_word
from nextword.text.characters import normalise

_MODEL = 0.75  # weight of a word's log-probability beside the cost of its typing
_SPELLING = 0.2  # weight of the letters of a string that nothing knows
_UNKNOWN = 4.0  # nats that it costs
_SLIPPED = 15  # what it costs a beginning that anything in it was mistyped
_SLIPS_PER_TEN = 12  # how much slips in a beginning count
_REST = 3  # what it costs that a word goes on, for each letter that was typed after the third
_SHORT, _SLIPPED_SHORT = 3, 10  # letters typed of a word, of which slips cost so much more
_STAYS = 0.94  # share of a language's weight that follows the text
_NAT = 10  # of these are the costs of typing


class Candidate(NamedTuple):
    """A word that may be meant, and its score in nats: the higher, the likelier."""

    score: float
    word: str


class Mixture:
    """Languages, each with a weight π that follows the text, and the words of the user.

    P(word) = Σ π P(word | language), and after each word

        π ← 0.94 π P(word | language) / Σ + 0.06 / number of languages

    (Herbster & Warmuth 1998, fixed share). A language that lacks the word gives it a share of its `<unk>`.

    **Arguments:**

    - `languages`: at least one; all split texts in the same way.
    - `layout`: of the keys.
    - `punctuation`: whether punctuation marks and line ends are candidates.
    """

    def __init__(self, languages: Sequence[Language], layout: Layout, punctuation: bool) -> None:
        self.languages = languages
        self.weights = [1 / len(languages)] * len(languages)
        self.personal = Personal(layout)
        self._lowercase = languages[0].model.metadata.lowercase
        self._tables = [WordTable(language.dictionary.words, layout) for language in languages]
        self._masks = [_masks(language, punctuation) for language in languages]
        self._past: deque[list[float]] = deque(maxlen=REMEMBERED)

    def knows(self, word: str) -> bool:
        """Whether a dictionary has a word."""
        normal = normalise(word, self._lowercase)
        return any(language.knows(normal) for language in self.languages)

    def read(self, word: str, is_new: bool = True) -> None:
        """Reads a word; the weights and the languages adapt to it if it is new."""
        self._past.append(self.weights)
        shares = [1.0] * len(self.languages)
        if is_new and len(self.languages) > 1:
            parts = [
                weight * max(self._probability_in(language, language.expected, word), 1e-30)
                for language, weight in zip(self.languages, self.weights, strict=True)
            ]
            shares = [part / math.fsum(parts) for part in parts]
            self.weights = [_STAYS * share + (1 - _STAYS) / len(shares) for share in shares]
        for language, share in zip(self.languages, shares, strict=True):
            language.read(word, is_new, share)

    def can_take_back(self, number: int, of: int) -> bool:
        """Whether the last `number` words of a text of `of` words are remembered."""
        return all(language.can_take_back(number, of) for language in self.languages)

    def take_back(self, number: int) -> None:
        """Takes back the last words, one at least."""
        for language in self.languages:
            language.take_back(number)
        for _ in range(number):
            self.weights = self._past.pop()

    def restart(self) -> None:
        """Goes to the beginning of a text; what was adapted and learned stays."""
        self._past.clear()
        for language in self.languages:
            language.restart()

    def expected(self, back: int = 0) -> list[Expected] | None:
        """What each language expected before the last words; `None` if that is too long ago."""
        found = [language.expected_before(back) for language in self.languages]
        known = [one for one in found if one]
        return known if len(known) == len(found) else None

    def probability(self, word: str, expected: Sequence[Expected]) -> float:
        """P(word); over all strings, it adds up to 1."""
        return sum(
            weight * self._probability_in(language, one, word)
            for language, one, weight in zip(self.languages, expected, self.weights, strict=True)
        )

    def candidates(
        self, typed: str, expected: Sequence[Expected], most: int, whole: bool = False
    ) -> list[Candidate]:
        """The words that may be meant by what was typed, or come next if nothing was, best first.

        score = 0.75 ln P(word) − cost of the typing

        **Arguments:**

        - `most`: how many are looked at closely of each language and of the user's words.
        - `whole`: whether what was typed is a whole word.
        """
        weight = _MODEL if typed else 1.0
        costs: dict[str, int] = {}
        for table, mask, one, share in zip(self._tables, self._masks, expected, self.weights, strict=True):
            scores = one.log_probabilities + mask[bool(typed)] + np.float32(math.log(share))
            costs |= _best(table, np.float32(weight) * scores, typed, most, whole)
        counts = np.array(self.personal.counts, np.float32)
        costs |= _best(self.personal.table, np.float32(weight) * np.log(counts), typed, most, whole)
        found = [
            Candidate(weight * math.log(max(self.probability(word, expected), 1e-300)) - cost / _NAT, word)
            for word, cost in costs.items()
            if word not in self.personal.blocked
        ]
        return sorted(found, key=lambda candidate: -candidate.score)

    def as_typed(self, typed: str, expected: Sequence[Expected]) -> Candidate:
        """A string that nothing knows, as a candidate for what it should be."""
        unknown = spelling = 0.0
        for language, one, weight in zip(self.languages, expected, self.weights, strict=True):
            unknown += weight * one.unknown
            spelling += weight * language.spelling(typed)
        score = _MODEL * math.log(unknown) + _SPELLING * math.log(max(spelling, 1e-300)) - _UNKNOWN
        return Candidate(score, typed)

    def _probability_in(self, language: Language, expected: Expected, word: str) -> float:
        normal = normalise(word, self._lowercase)
        if language.knows(normal):
            return math.exp(expected.log_probabilities[language.dictionary.encode([normal])[0]])
        return expected.unknown * self.personal.share(word, language.spelling(word))


def _masks(language: Language, punctuation: bool) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """0 for the words that can be suggested, else −inf: where nothing was typed, and where something was."""
    never = np.array([id == language.dictionary.unknown for id in range(len(language.dictionary))])
    no_word = never | ~np.array([is_word(word) for word in language.dictionary.words])
    masks = [np.where(mask, -np.inf, 0).astype(np.float32) for mask in (never, no_word)]
    return (masks[0] if punctuation else masks[1]), masks[1]


def _best(
    table: Candidates, scores: NDArray[np.float32], typed: str, most: int, whole: bool
) -> dict[str, int]:
    """The words of a table with the best scores less the cost of their typing, and that cost."""
    costs = np.zeros(len(scores), np.int16)
    if typed:
        table.type(typed)
        beginnings, wholes = table.costs()
        costs = wholes.astype(np.int16) if whole else _either(len(typed), beginnings, wholes)
        scores = scores - costs * np.float32(1 / _NAT)
        scores[(wholes if whole else np.minimum(beginnings, wholes)) >= MOST] = -np.inf
    best = np.argpartition(-scores, most)[:most] if most < len(scores) else np.arange(len(scores))
    return {table.words[id]: int(costs[id]) for id in best if scores[id] > -np.inf}


def _either(letters: int, beginnings: NDArray[np.uint8], wholes: NDArray[np.uint8]) -> NDArray[np.int16]:
    """The cost of each word, of which so many letters were typed, or which was mistyped as a whole.

    While little is typed, a beginning without a slip is likelier than a slip.
    """
    begun = beginnings * np.int16(_SLIPS_PER_TEN) // np.int16(10)
    begun += (beginnings > 0) * np.int16(_SLIPPED) + np.int16(_REST * max(letters - _SHORT, 0))
    ended = wholes.astype(np.int16)
    if letters == _SHORT:
        ended += (wholes > 0) * np.int16(_SLIPPED_SHORT)
    found: NDArray[np.int16] = np.minimum(begun, ended)
    return found
