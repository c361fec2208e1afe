"""Several languages and the user's own words as one: what comes next, and what was meant."""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from nextword.runtime.keyboard.candidates import MODEL, NAT, best, margin
from nextword.runtime.keyboard.capitals import in_case_of
from nextword.runtime.keyboard.expected import Expected
from nextword.runtime.keyboard.language import REMEMBERED, Language
from nextword.runtime.keyboard.layouts import Layout
from nextword.runtime.keyboard.personal import Personal
from nextword.runtime.keyboard.text_field import begins_sentence
from nextword.text.characters import normalise
from nextword.text.subwords import shown
from nextword.text.words import END_OF_LINE

_SPELLING = 0.2  # weight of the letters of an unknown string
_UNKNOWN = 4.0  # its cost in nats
_LONGEST = 128  # letters of what may be a word
_CAPITAL = 25  # extra cost of a word in lower case where a name's capital was typed
_OWN, _OWN_LETTERS = 1.5, 2  # nats gained a letter after the first, and how many letters count
_INSIDE = 0.01  # how often another language follows inside a line
_HABITS = (0.02, 0.3, 0.9)  # how often it may do where a line begins
_ANY_HABIT = 0.01  # share of the weights that goes to all habits alike there


class Candidate(NamedTuple):
    """A word that the user may mean, and its score in nats: the higher, the likelier."""

    score: float
    word: str


class Mixture:
    """Languages, each with a weight π that follows the text, and the user's own words.

    P(word) = Σ π P(word | language), and after each word

        π ← (1 − α) π′ + α (1 − π′) / (number of languages − 1), where π′ = π P(word | language) / Σ

    (Herbster & Warmuth 1998, fixed share). Inside a line α = 0.01. Where a line begins, or a sentence if the
    models know no line ends, α is 0.02, 0.3 or 0.9: each of these habits has its own π, and counts as
    much as it has foretold the text, but for 1 %, which is shared out anew there. A language that lacks the
    word gives it a share of its `<unk>`.

    **Arguments:**

    - `languages`: at least one; all split texts in the same way.
    - `layout`: of the keys.

    **Attributes:** `personal`, the user's own words; `lowercase`, whether the models have no capitals.
    """

    def __init__(self, languages: Sequence[Language], layout: Layout) -> None:
        self.languages = languages
        self.start([1 / len(languages)] * len(languages))
        self.personal = Personal(layout)
        self.lowercase = languages[0].model.metadata.lowercase
        self._line_ends = languages[0].model.metadata.line_ends
        self._is_marked = any(language.is_marked for language in languages)
        self._past: deque[list[list[float]]] = deque(maxlen=REMEMBERED)

    @property
    def weights(self) -> list[float]:
        """π of each language."""
        return [math.fsum(shares) for shares in zip(*self._habits, strict=True)]

    def start(self, weights: Sequence[float]) -> None:
        """Starts with these weights of the languages, and any habit."""
        self._habits = [[weight / len(_HABITS) for weight in weights] for _ in _HABITS]

    def has(self, word: str) -> bool:
        """Whether any dictionary has a word."""
        normal = normalise(word, self.lowercase)
        return any(language.has(normal) for language in self.languages)

    def can_write(self, word: str) -> bool:
        """Whether a word can be suggested without being learned from the user."""
        normal = normalise(word, self.lowercase)
        return any(language.can_write(normal) for language in self.languages)

    def read(self, word: str, is_new: bool = True) -> None:
        """Reads a word of the text field; the weights follow, and the languages adapt to it if it is new."""
        plain = shown(word) if self._is_marked else word
        self._past.append(self._habits)
        ends = plain == END_OF_LINE if self._line_ends else begins_sentence([plain])
        shares = [1.0]
        if len(self.languages) > 1:
            likelihoods = [
                max(self._probabilities_in(language.expected, [plain], {})[0], 1e-30)
                for language in self.languages
            ]
            parts = [weight * value for weight, value in zip(self.weights, likelihoods, strict=True)]
            total = math.fsum(parts)
            shares = [part / total for part in parts]
            followed = [
                [weight * value / total for weight, value in zip(weights, likelihoods, strict=True)]
                for weights in self._habits
            ]
            self._habits = _switched(followed, ends)
        for language, share in zip(self.languages, shares, strict=True):
            is_foreign = share < 1 / len(shares)
            language.read(word if language.is_marked else plain, is_new, share, ends, is_foreign)

    def keep(self) -> None:
        """Keeps the adaptation and the weights so far, whatever is removed later."""
        for language in self.languages:
            language.keep()
        if len(self.languages) > 1:
            self._past = deque([_switched(self._habits, ends=True)] * len(self._past), REMEMBERED)

    def can_take_back(self, number: int, of: int) -> bool:
        """Whether the last `number` words of a text of `of` words are remembered."""
        return all(language.can_take_back(number, of) for language in self.languages)

    def take_back(self, number: int) -> None:
        """Removes the last words, at least one."""
        for language in self.languages:
            language.take_back(number)
        for _ in range(number):
            self._habits = self._past.pop()

    def restart(self) -> None:
        """Goes back to the beginning of a text; what was adapted and learned stays."""
        self._past.clear()
        for language in self.languages:
            language.restart()

    def expected(self, back: int = 0) -> list[Expected] | None:
        """What each language expected before the last words; `None` if that is too far back."""
        found = [language.expected_before(back) for language in self.languages]
        known = [one for one in found if one]
        return known if len(known) == len(found) else None

    def probability(self, word: str, expected: Sequence[Expected]) -> float:
        """P(word); over all strings, these add up to 1."""
        return self._probabilities([word], expected, {})[0]

    def candidates(
        self, typed: str, expected: Sequence[Expected], most: int, whole: bool = False, is_name: bool = False
    ) -> list[Candidate]:
        """The words that the user may mean, or that may come next if nothing was typed, best first.

        score = 0.75 ln P(word) − cost of typing it

        A word of the user's own that begins as typed gains 1.5 nats after two letters, and 3 after more:
        whoever writes it so far hardly means another.

        **Arguments:**

        - `most`: how many of each language and of the user's words are examined closely.
        - `whole`: whether what was typed is a whole word.
        - `is_name`: whether it was typed with a capital that only a name needs.
        """
        if len(typed) > _LONGEST:
            return []
        weight = MODEL if typed else 1.0
        uses = np.array(self.personal.weights, np.float32)
        own = best(self.personal.table, np.float32(weight) * np.log(uses), typed, most, whole)
        costs: dict[str, int] = {}
        for one in expected:
            for word, cost in one.candidates(typed, most, whole).items():
                costs[word] = min(cost, costs.get(word, cost), own.pop(word, cost))
        if is_name:
            costs, own = _as_names(costs), _as_names(own)
        found = self._scored(costs, expected, weight, {})
        gain = _OWN * min(len(typed) - 1, _OWN_LETTERS) if typed and not whole else 0.0
        needed = max((one.score for one in found), default=-math.inf) - margin(most) - gain
        least = {word: math.exp(min((needed + cost / NAT) / weight, 0.0)) for word, cost in own.items()}
        found += self._scored(own, expected, weight, least)
        if gain:
            found = [Candidate(score + gain * self._is_own(word, typed), word) for score, word in found]
        return sorted(found, key=lambda candidate: -candidate.score)

    def _is_own(self, word: str, typed: str) -> bool:
        """Whether a word is known from the user alone, and begins as typed."""
        return word in self.personal and not self.has(word) and in_case_of(word, typed).startswith(typed)

    def _scored(
        self,
        costs: Mapping[str, int],
        expected: Sequence[Expected],
        weight: float,
        least: Mapping[str, float],
    ) -> list[Candidate]:
        """Words with their scores, except for blocked ones; `least` is that of `Expected.known`."""
        words = [word for word in costs if not self.personal.is_blocked(word)]
        probabilities = self._probabilities(words, expected, least)
        return [
            Candidate(weight * math.log(max(probability, 1e-300)) - costs[word] / NAT, word)
            for word, probability in zip(words, probabilities, strict=True)
        ]

    def as_typed(self, typed: str, expected: Sequence[Expected]) -> Candidate:
        """An unknown string, as a candidate for what the user means."""
        unknown = spelling = 0.0
        for one, weight in zip(expected, self.weights, strict=True):
            unknown += weight * one.unknown
            spelling += weight * one.spelling(typed)
        score = MODEL * math.log(unknown) + _SPELLING * math.log(max(spelling, 1e-300)) - _UNKNOWN
        return Candidate(score, typed)

    def _probabilities(
        self, words: Sequence[str], expected: Sequence[Expected], least: Mapping[str, float]
    ) -> list[float]:
        """P(word) of each."""
        by_language = [self._probabilities_in(one, words, least) for one in expected]
        weights = self.weights
        return [
            sum(weight * value for weight, value in zip(weights, values, strict=True))
            for values in zip(*by_language, strict=True)
        ]

    def _probabilities_in(
        self, expected: Expected, words: Sequence[str], least: Mapping[str, float]
    ) -> list[float]:
        normal = [normalise(word, self.lowercase) for word in words]
        at_least = {one: least[word] for one, word in zip(normal, words, strict=True) if word in least}
        known = expected.known(normal, at_least)
        return [
            value
            + (unknown and unknown * self.personal.share(word, expected.spelling(word, least.get(word, 0.0))))
            for word, (value, unknown) in zip(words, known, strict=True)
        ]


def _switched(habits: Sequence[Sequence[float]], ends: bool) -> list[list[float]]:
    """The weights of at least two languages for each habit after a word, with which a line may end."""
    found = []
    for weights, habit in zip(habits, _HABITS, strict=True):
        rate, total = habit if ends else _INSIDE, math.fsum(weights)
        others = len(weights) - 1
        found.append([(1 - rate) * weight + rate * (total - weight) / others for weight in weights])
    if not ends:
        return found
    shared = [_ANY_HABIT * math.fsum(weights) / len(_HABITS) for weights in zip(*found, strict=True)]
    return [
        [(1 - _ANY_HABIT) * weight + more for weight, more in zip(weights, shared, strict=True)]
        for weights in found
    ]


def _as_names(costs: Mapping[str, int]) -> dict[str, int]:
    """The costs of words typed with a deliberate capital; those without one are hardly meant."""
    return {word: cost + (_CAPITAL if word.islower() else 0) for word, cost in costs.items()}
