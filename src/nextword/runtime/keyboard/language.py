"""One model behind a keyboard: what it has read and adapted to, and what it expects."""

import math
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from nextword.runtime.cache import CacheSettings, NeuralCache, Remembered
from nextword.runtime.learning.dynamic_evaluation import DynamicEvaluation, Learned
from nextword.runtime.model_file import ModelFile, State
from nextword.runtime.reader import Reader
from nextword.text.words import END_OF_LINE

REMEMBERED = 64  # words that can be removed without reading the text again
_EXPECTED = 4  # how many of these keep what was expected there

_CACHE = CacheSettings(size=500, weight=0.1, flatness=0.3)
_NO_CACHE = CacheSettings(size=0, weight=0.0, flatness=0.0)
_RATE, _DECAY = 0.8, 0.0007  # of the bias
_LEAST = 1e-3  # least probability of a word whose bias changes
_LEAST_BIAS = 1e-3  # worth saving
_SEEN = 4.0  # unknown words that count as seen and as expected at the start
_RANK = 2.7  # offset in Zipf's law as Mandelbrot amended it
SHARE = 0.05  # of new words, where a model knows no <unk>


class Expected(Protocol):
    """What a language expects next: everything that the keyboard asks about it.

    The probabilities of all words that it knows, and `unknown`, the probability of a word that it does not
    know, add up to 1.
    """

    @property
    def unknown(self) -> float:
        """The probability of a word that the language does not know."""

    @property
    def by_model(self) -> float:
        """The same, before adaptation to how many the user writes."""

    @property
    def logits(self) -> NDArray[np.floating]:
        """Those of the model, `(dictionary,)`."""

    def known(self, words: Sequence[str], least: Mapping[str, float]) -> list[tuple[float, float]]:
        """P(word) of each as a known word, and `unknown` if it may be an unknown one.

        **Arguments:**

        - `least`: of some words; a P that would be less may be given as 0.
        """

    def spelling(self, word: str, least: float = 0.0) -> float:
        """P(letters | the language does not know the word); these add up to 1.

        **Arguments:**

        - `least`: a P that would be less may be given as 0.
        """

    def candidates(self, typed: str, most: int, whole: bool) -> dict[str, int]:
        """Words that the user may mean, and the cost of typing them.

        **Arguments:**

        - `most`: how many, about.
        - `whole`: whether what was typed is a whole word.
        """


class Bias(NamedTuple):
    """Earlier values of some entries of a bias."""

    ids: NDArray[np.int64]
    values: NDArray[np.float64]
    scale: float


class _Place(NamedTuple):
    """What a model has read, and what it expects there; no `features` where it has not read anything."""

    last: NDArray[np.int64]
    state: State | None
    logits: NDArray[np.floating]
    features: NDArray[np.float32] | None


@dataclass(frozen=True)
class _Moment:
    """A word, by its ids, and what is known before it is read.

    `own` is where the last line of this language ended. `after` is set where the model goes on from another
    place than the ids lead to, and `learned` where its weights change. `overwritten` is what the cache lost
    for each entry that it remembers.
    """

    ids: Sequence[int]
    last: NDArray[np.int64]
    state: State | None
    features: NDArray[np.float32] | None
    expected: Expected | None
    seen: float
    foreseen: float
    bias: Sequence[Bias]
    overwritten: Sequence[Remembered | None]
    own: _Place
    after: _Place | None
    learned: Learned | None


class Language(ABC):
    """Reads the words written on a keyboard, and can remove them again.

    It adapts to its user: a bias b is added to the logits, and after each entry of the dictionary

        b ← (1 − 0.0007) b + 0.8 (onehot − p)

    where p holds the probabilities of entries of at least 0.1 % (dynamic evaluation of the last layer's
    bias, Krause et al. 2018). A cache of the last 500 entries has a tenth of the probability. The odds of an
    unknown word are multiplied by (seen + 4) / (expected + 4).

    **Arguments:**

    - `model`: the model.
    - `adapts`: whether the bias changes, and there is a cache.
    - `dynamic`: what changes the model's weights as well, if anything.

    **Attributes:** `is_marked`, whether it reads marked words; `bias`, `(dictionary,)`, without its `scale`;
    `cache`, with features rounded to float16, as they are saved;
    `seen`, the number of unknown words so far, and `foreseen`, how many the model expected.
    """

    is_marked: ClassVar[bool]

    def __init__(self, model: ModelFile, adapts: bool, dynamic: DynamicEvaluation | None = None) -> None:
        model = dynamic.model if dynamic else model
        self.model, self.dictionary, self.dynamic = model, model.dictionary, dynamic
        self._adapts = adapts
        self.bias = np.zeros(len(self.dictionary))
        self.scale = 1.0
        self.cache = NeuralCache(_CACHE if adapts and model.features else _NO_CACHE, model.features)
        self.seen = self.foreseen = 0.0
        self._past: deque[_Moment] = deque(maxlen=REMEMBERED)
        self._reader = Reader(model)
        self._expected: Expected | None = None
        self._logits: NDArray[np.floating]
        self._features: NDArray[np.float32] | None
        self._own: _Place  # where the last line of this language ended
        self.restart()

    @abstractmethod
    def has(self, word: str) -> bool:
        """Whether the dictionary has a word, so that there is no need to learn it."""

    @abstractmethod
    def can_write(self, word: str) -> bool:
        """Whether the language may suggest a word."""

    @abstractmethod
    def _ids(self, word: str) -> Sequence[int]:
        """The ids that the model reads for a word; none if it cannot be read."""

    @abstractmethod
    def _is_new(self, word: str) -> bool:
        """Whether the dictionary lacks a word that was read."""

    @abstractmethod
    def _expectation(self) -> Expected:
        """What comes next."""

    @abstractmethod
    def _likelihoods(self) -> NDArray[np.floating]:
        """The log-probability of each entry that may come next, adapted, `(dictionary,)`."""

    def restart(self) -> None:
        """Goes back to the beginning of a text; adaptation stays."""
        self._past.clear()
        self._begin()

    def can_take_back(self, number: int, of: int) -> bool:
        """Whether the last `number` words of a text of `of` words are remembered."""
        return number < len(self._past) or number == of == len(self._past)

    @property
    def expected(self) -> Expected:
        """What comes next."""
        if self._expected is None:
            self._expected = self._expectation()
        return self._expected

    def expected_before(self, back: int) -> Expected | None:
        """What was expected before the last `back` words; `None` if that is too far back."""
        if not back:
            return self.expected
        return self._past[-back].expected if back <= len(self._past) else None

    def read(
        self, word: str, is_new: bool = True, share: float = 1.0, ends: bool = False, is_foreign: bool = False
    ) -> None:
        """Reads a word, and adapts to it if it is new.

        **Arguments:**

        - `share`: P(the word is of this language); a foreign word causes no adaptation.
        - `ends`: whether a line ends with it, and `is_foreign`, whether it is of another language; after a
          line of another language, the model goes on from where its own last line ended.
        """
        ids, expected = self._ids(word), self.expected if is_new else None
        last, state, _, features = self._place()
        seen, foreseen, bias, overwritten = self.seen, self.foreseen, [], []
        learned = self.dynamic.learned if self.dynamic else None
        own, after = self._own, None if ids else self._place()
        if expected:
            self.seen += share * self._is_new(word)
            self.foreseen += share * expected.by_model
        if self.dynamic and not (is_new and share > 1 / 2):
            self.dynamic.start_again()
        for place, id in enumerate(ids):
            if is_new and self._adapts and id != self.dictionary.unknown:
                bias.append(self._adapt(id, _RATE * share))
                if share > 1 / 2 and self._features is not None:
                    overwritten.append(self.cache.remember(_rounded(self._features), id))
            if self.dynamic and is_new and share > 1 / 2:
                self.dynamic.note(id, self._reader.state, may_learn=place == 0)
            self._step([id])
        if ends and is_foreign:
            after = own
            self._go_to(own)
        elif ends:
            self._own = self._place()
        before = (ids, last, state, features, expected, seen, foreseen)
        self._past.append(_Moment(*before, bias, overwritten, own, after, learned))
        if len(self._past) > _EXPECTED:
            self._past[-_EXPECTED - 1] = replace(self._past[-_EXPECTED - 1], expected=None)
        self._expected = None

    def take_back(self, number: int) -> None:
        """Removes the last words, at least one: fewer than are remembered, or all of the text."""
        for _ in range(number):
            moment = self._past.pop()
            for bias in reversed(moment.bias):
                self.bias[bias.ids], self.scale = bias.values, bias.scale
            for one in reversed(moment.overwritten):
                self.cache.forget(one)
        self.seen, self.foreseen = moment.seen, moment.foreseen
        if self.dynamic and moment.learned:
            self.dynamic.learned = moment.learned
        self._own = moment.own
        if not self._past:
            self._begin()
        elif moment.expected:
            self._go_to(_Place(moment.last, moment.state, moment.expected.logits, moment.features))
        else:  # the last remaining word is read again
            before = self._past[-1]
            if before.after:
                self._go_to(before.after)
            else:
                self._reader.last, self._reader.state = before.last, before.state
                self._step(before.ids)
        self._expected = moment.expected

    def keep(self) -> None:
        """Keeps the adaptation so far, whatever is removed later."""
        self.bias *= self.scale
        self.scale = 1.0
        learned = None
        if self.dynamic:
            self.dynamic.learn_rest()
            learned = self.dynamic.learned
        for place, moment in enumerate(self._past):
            self._past[place] = replace(
                moment, bias=(), overwritten=(), seen=self.seen, foreseen=self.foreseen, learned=learned
            )

    def adapted(self) -> dict[str, float]:
        """The bias of each entry where it is worth saving."""
        bias = self.bias * self.scale
        ids = np.flatnonzero(np.abs(bias) >= _LEAST_BIAS)
        return {self.dictionary.words[id]: round(float(bias[id]), 4) for id in ids}

    def adapt_to(self, bias: Mapping[str, float]) -> None:
        """Restores what `adapted` returned; entries that the dictionary lacks are left out."""
        for id, entry in enumerate(self.dictionary.words):
            if entry in bias and id != self.dictionary.unknown:
                self.bias[id] = bias[entry]

    def _begin(self) -> None:
        """Reads what comes before a text: a line end, if the model knows line ends."""
        self._reader = Reader(self.model)
        self._expected = None
        if self.dynamic:
            self.dynamic.start_again()
        if self.model.metadata.line_ends and END_OF_LINE in self.dictionary.words:
            self._step(self._ids(END_OF_LINE))
        else:
            # Ids are ranks; the file does not give the frequencies of words, but Zipf's law does.
            self._logits = -np.log(np.arange(len(self.dictionary)) + _RANK).astype(np.float32)
            self._features = None
        self._own = self._place()

    def _place(self) -> _Place:
        """Where the model is now."""
        return _Place(self._reader.last, self._reader.state, self._logits, self._features)

    def _go_to(self, place: _Place) -> None:
        self._reader.last, self._reader.state, self._logits, self._features = place

    def _step(self, ids: Sequence[int]) -> None:
        for id in ids:
            self._expected = None
            found = self._reader.read(np.array([[id]]))
            self._logits, self._features = found.logits[0], found.features[0]

    def _with_bias(self) -> NDArray[np.floating]:
        """The logits of what comes next, adapted."""
        return self._logits + self.bias * self.scale if self._adapts else self._logits

    def _with_cache(self, log_probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """The log-probabilities of the next entry, mixed with the cache's."""
        if self._features is None:
            return log_probabilities
        return self.cache.mix(log_probabilities, self._features)

    def _unknown_share(self, by_model: float) -> float:
        """The probability of an unknown word, adapted to the user."""
        odds = by_model / (1 - by_model) * (self.seen + _SEEN) / (self.foreseen + _SEEN)
        return odds / (1 + odds)

    def _adapt(self, id: int, rate: float) -> Bias:
        """Changes the bias before the entry `id` is read. **Returns:** its earlier values."""
        expected = self._likelihoods()
        likely = expected >= np.float32(math.log(_LEAST))
        likely[id] = True
        ids = np.flatnonzero(likely)
        before = Bias(ids, self.bias[ids], self.scale)
        self.scale *= 1 - _DECAY
        self.bias[ids] -= rate / self.scale * np.exp(expected[ids].astype(np.float64))
        self.bias[id] += rate / self.scale
        return before


def _rounded(features: NDArray[np.float32]) -> NDArray[np.float32]:
    return features.astype(np.float16).astype(np.float32)
