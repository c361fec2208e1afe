"""One model under a keyboard: what it has read, what it has adapted to, and what it expects."""

import math
from collections import deque
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.runtime import draw
from nextword.runtime.model_file import ModelFile, State
from nextword.runtime.reader import Reader
from nextword.text.letters import LetterModel
from nextword.text.words import END_OF_LINE

REMEMBERED = 64  # words that are taken back without reading the text again
_EXPECTED = 4  # of these, how many keep what was expected there

_RATE, _DECAY = 0.4, 0.0007  # of the bias
_LEAST = 1e-3  # probability of the words whose bias changes
_SEEN = 4.0  # unknown words that count as seen, and as expected, before the first
_SHARE = 0.05  # of new words, where a model knows no <unk>
_RANK = 2.7  # of Zipf's law as Mandelbrot amended it
_LETTERS = 3  # order of the letter model
_SPELLINGS = 4096  # that are not computed again


class Expected(NamedTuple):
    """What a language expects next.

    - `log_probabilities`: of each word of the dictionary, `(dictionary,)`, −inf for `<unk>`. Together with
      `unknown` they add up to 1.
    - `unknown`: the probability of a word that the dictionary lacks.
    - `by_model`: the same before it was adapted to how many the user writes.
    - `logits`: those of the model, `(dictionary,)`.
    """

    log_probabilities: NDArray[np.float32]
    unknown: float
    by_model: float
    logits: NDArray[np.floating]


class _Bias(NamedTuple):
    """Some entries of a bias as they were."""

    ids: NDArray[np.int64]
    values: NDArray[np.float64]
    scale: float


@dataclass(frozen=True)
class _Moment:
    """A word, and what is known before it is read; `logits`, if the model cannot read it."""

    word: str
    last: NDArray[np.int64]
    state: State | None
    expected: Expected | None
    seen: float
    foreseen: float
    bias: _Bias
    logits: NDArray[np.floating] | None


class Language:
    """Reads the words under a keyboard, and takes them back.

    It adapts to its user: a bias b is added to the logits, and after each word

        b ← (1 − 0.0007) b + 0.4 (onehot − p)

    where p holds the probabilities of the likelier words, from 0.1 % on (dynamic evaluation, Krause et al.
    2018, of the last layer's bias). The odds of `<unk>` are multiplied by (seen + 4) / (expected + 4).

    **Arguments:**

    - `model`: the model.
    - `adapts`: whether the bias changes.

    **Attributes:** `bias`, `(dictionary,)`, without its `scale`; `seen`, the number of unknown words so far,
    and `foreseen`, how many the model expected.
    """

    def __init__(self, model: ModelFile, adapts: bool) -> None:
        self.model, self.dictionary = model, model.dictionary
        self._adapts = adapts
        self.bias = np.zeros(len(self.dictionary))
        self.scale = 1.0
        self.seen = self.foreseen = 0.0
        self._past: deque[_Moment] = deque(maxlen=REMEMBERED)
        spelt = [
            word
            for id, word in enumerate(self.dictionary.words)
            if id != self.dictionary.unknown and word != END_OF_LINE
        ]
        self._letters = LetterModel(spelt, _LETTERS)
        # What strings that the dictionary lacks have in common.
        self._of_unknown_letters = max(1 - self._letters.total(spelt), 1e-9)
        self._reader = Reader(model)
        self._expected: Expected | None = None
        self._spellings: dict[str, float] = {}
        self._logits: NDArray[np.floating]
        self.restart()

    def restart(self) -> None:
        """Goes to the beginning of a text; what was adapted stays."""
        self._past.clear()
        self._begin()

    def can_take_back(self, number: int, of: int) -> bool:
        """Whether the last `number` words of a text of `of` words are remembered."""
        return number < len(self._past) or number == of == len(self._past)

    def knows(self, word: str) -> bool:
        """Whether the dictionary has a word."""
        return word in self.dictionary and not self.dictionary.is_unknown(word)

    @property
    def expected(self) -> Expected:
        """What comes next."""
        if self._expected is None:
            self._expected = self._expectation()
        return self._expected

    def expected_before(self, back: int) -> Expected | None:
        """What was expected before the last `back` words; `None` if that is too long ago."""
        if not back:
            return self.expected
        return self._past[-back].expected if back <= len(self._past) else None

    def read(self, word: str, is_new: bool = True, share: float = 1.0) -> None:
        """Reads a word, and adapts to it if it is new.

        **Arguments:**

        - `share`: P(the word is of this language); in a foreign word there is nothing to adapt to.
        """
        known = self.knows(word)
        bias = _Bias(np.zeros(0, np.int64), np.zeros(0), self.scale)
        expected = None
        if is_new:
            expected = self.expected
            if known and self._adapts:
                bias = self._adapt(expected, self.dictionary.encode([word])[0], _RATE * share)
        logits = None if self._can_read(word) else self._logits
        last, state = self._reader.last, self._reader.state
        self._past.append(_Moment(word, last, state, expected, self.seen, self.foreseen, bias, logits))
        if len(self._past) > _EXPECTED:
            self._past[-_EXPECTED - 1] = replace(self._past[-_EXPECTED - 1], expected=None)
        if expected:
            self.seen += share * (not known)
            self.foreseen += share * expected.by_model
        self._step(word)

    def take_back(self, number: int) -> None:
        """Takes back the last words, one at least: fewer than are remembered, or all of the text."""
        for _ in range(number):
            moment = self._past.pop()
            self.bias[moment.bias.ids], self.scale = moment.bias.values, moment.bias.scale
        self.seen, self.foreseen = moment.seen, moment.foreseen
        if not self._past:
            self._begin()
        elif moment.expected:
            self._reader.last, self._reader.state = moment.last, moment.state
            self._logits = moment.expected.logits
        else:  # the last word that stays is read again
            before = self._past[-1]
            self._reader.last, self._reader.state = before.last, before.state
            if before.logits is not None:
                self._logits = before.logits
            self._step(before.word)
        self._expected = moment.expected

    def keep(self) -> None:
        """What was adapted so far stays, whatever is taken back."""
        self.bias *= self.scale
        self.scale = 1.0
        nothing = _Bias(np.zeros(0, np.int64), np.zeros(0), 1.0)
        for place, moment in enumerate(self._past):
            self._past[place] = replace(moment, bias=nothing, seen=self.seen, foreseen=self.foreseen)

    def _begin(self) -> None:
        """Reads what comes before a text: a line end, if the model knows line ends."""
        self._reader = Reader(self.model)
        self._expected = None
        if self.model.metadata.line_ends and self.knows(END_OF_LINE):
            self._step(END_OF_LINE)
        else:
            # The ids are ranks; the file does not say how frequent words are, but Zipf's law does.
            self._logits = -np.log(np.arange(len(self.dictionary)) + _RANK).astype(np.float32)

    def _step(self, word: str) -> None:
        self._expected = None
        if self._can_read(word):
            ids = np.array([self.dictionary.encode([word])])
            self._logits = self._reader.read(ids).logits[0]

    def _can_read(self, word: str) -> bool:
        return self.knows(word) or self.dictionary.unknown is not None

    def _expectation(self) -> Expected:
        logits = self._logits + self.bias * self.scale if self._adapts else self._logits
        found, id = draw.log_softmax(logits), self.dictionary.unknown
        by_model, others = _SHARE, 1.0
        if id is not None:
            by_model = min(math.exp(found[id]), 1 - 1e-9)
            others = 1 - by_model
            found[id] = -np.inf
        odds = by_model / (1 - by_model) * (self.seen + _SEEN) / (self.foreseen + _SEEN)
        unknown = odds / (1 + odds)
        found += math.log((1 - unknown) / others)
        return Expected(found.astype(np.float32), unknown, by_model, self._logits)

    def _adapt(self, expected: Expected, id: int, rate: float) -> _Bias:
        """Changes the bias after the word `id`. **Returns:** what it was."""
        likely = expected.log_probabilities >= np.float32(math.log(_LEAST))
        likely[id] = True
        ids = np.flatnonzero(likely)
        before = _Bias(ids, self.bias[ids], self.scale)
        self.scale *= 1 - _DECAY
        self.bias[ids] -= rate / self.scale * np.exp(expected.log_probabilities[ids].astype(np.float64))
        self.bias[id] += rate / self.scale
        return before

    def spelling(self, word: str) -> float:
        """P(letters | the dictionary lacks the word); these add up to 1 over all strings that it lacks."""
        if word not in self._spellings:
            if len(self._spellings) >= _SPELLINGS:
                self._spellings.clear()
            self._spellings[word] = math.exp(self._letters.log_probability(word)) / self._of_unknown_letters
        return self._spellings[word]
