"""One model behind a keyboard: what it has read and adapted to, and what it expects."""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.runtime.keyboard.adaptation import Adaptation, Change, Earlier
from nextword.runtime.keyboard.expected import Expected
from nextword.runtime.learning.dynamic_evaluation import DynamicEvaluation, Learned
from nextword.runtime.model_file import ModelFile, State
from nextword.runtime.reader import Reader
from nextword.text.words import END_OF_LINE

REMEMBERED = 64  # words that can be removed without reading the text again
_EXPECTED = 4  # how many of these keep what was expected there

_RANK = 2.7  # offset in Zipf's law as Mandelbrot amended it
SHARE = 0.05  # of new words, where a model knows no <unk>


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
    place than the ids lead to, and `learned` where its weights change.
    """

    ids: Sequence[int]
    last: NDArray[np.int64]
    state: State | None
    features: NDArray[np.float32] | None
    expected: Expected | None
    earlier: Earlier
    own: _Place
    after: _Place | None
    learned: Learned | None


class Language(ABC):
    """Reads the words written on a keyboard, and can remove them again.

    **Arguments:**

    - `model`: the model.
    - `adapts`: as for `Adaptation`.
    - `dynamic`: what changes the model's weights as well, if anything.

    **Attributes:** `is_marked`, whether it reads marked words; `adaptation`, to its user.
    """

    is_marked: ClassVar[bool]

    def __init__(self, model: ModelFile, adapts: bool, dynamic: DynamicEvaluation | None = None) -> None:
        model = dynamic.model if dynamic else model
        self.model, self.dictionary, self.dynamic = model, model.dictionary, dynamic
        self.adaptation = Adaptation(model, adapts)
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
        adaptation, changes = self.adaptation, list[Change]()
        earlier = Earlier(adaptation.seen, adaptation.foreseen, changes)
        learned = self.dynamic.learned if self.dynamic else None
        own, after = self._own, None if ids else self._place()
        if expected:
            adaptation.seen += share * self._is_new(word)
            adaptation.foreseen += share * expected.by_model
        if self.dynamic and not (is_new and share > 1 / 2):
            self.dynamic.start_again()
        for place, id in enumerate(ids):
            if is_new:
                changes += adaptation.learn(id, self._likelihoods, self._features, share)
            if self.dynamic and is_new and share > 1 / 2:
                self.dynamic.note(id, self._reader.state, may_learn=place == 0)
            self._step([id])
        if ends and is_foreign:
            after = own
            self._go_to(own)
        elif ends:
            self._own = self._place()
        self._past.append(_Moment(ids, last, state, features, expected, earlier, own, after, learned))
        if len(self._past) > _EXPECTED:
            self._past[-_EXPECTED - 1] = replace(self._past[-_EXPECTED - 1], expected=None)
        self._expected = None

    def take_back(self, number: int) -> None:
        """Removes the last words, at least one: fewer than are remembered, or all of the text."""
        for _ in range(number):
            moment = self._past.pop()
            self.adaptation.undo(moment.earlier)
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
        earlier, learned = self.adaptation.keep(), None
        if self.dynamic:
            self.dynamic.learn_rest()
            learned = self.dynamic.learned
        for place, moment in enumerate(self._past):
            self._past[place] = replace(moment, earlier=earlier, learned=learned)

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
