"""A text that grows a word at a time, as with a keyboard: it can be fed, completed, undone and saved."""

from collections import deque
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.errors import PromptError, SessionError
from nextword.runtime import completion, draw, saved_session
from nextword.runtime.cache import MOST_FORGOTTEN, CacheSettings, NeuralCache, Remembered
from nextword.runtime.completion import NextWord
from nextword.runtime.learning.dynamic_evaluation import DynamicEvaluation, Learned
from nextword.runtime.model_file import ModelFile, State, Step
from nextword.runtime.reader import Reader
from nextword.runtime.saved_session import SavedSession
from nextword.text.marks import BLANK_MARK, GLUE_MARK
from nextword.text.words import END_OF_LINE, Joiner


class _Moment(NamedTuple):
    """What is known after a word.

    - `word`: its ids, also those that are not read.
    - `last`, `state`: of the reader.
    - `gave_way`: what each entry read overwrote in the cache.
    - `expected`: a value for each entry of the dictionary; kept only where it cannot be computed again, after
      a session was resumed.
    - `learned`: by dynamic evaluation.
    """

    word: tuple[int, ...]
    last: NDArray[np.int64]
    state: State | None
    gave_way: list[Remembered | None]
    expected: Step | None = None
    learned: Learned | None = None


class Session:
    """Reads a text word by word, and suggests what comes next, in the time of one step.

    However long the text is, a session keeps the model's state after each of the last 130 words, or, where
    the context is a number, the last words themselves, and what its cache remembers.

    Created by `Generator.session` or `Generator.resume`.
    """

    def __init__(
        self, model: ModelFile, cache: CacheSettings, dynamic: DynamicEvaluation | None = None
    ) -> None:
        model = dynamic.model if dynamic else model
        self._model, self._dynamic = model, dynamic
        self._reader = Reader(model)
        self._cache = NeuralCache(cache, model.features)
        # One more than can be undone, since a word is read again from where the one before ended.
        self._past: deque[_Moment | None] = deque(maxlen=MOST_FORGOTTEN + 1)
        self._now: _Moment | None = None
        self._expected: Step | None = None
        self._next: NextWord | None = None  # kept while suggestions for the same place are requested

    def feed(self, text: str) -> None:
        """Reads one word or more.

        A punctuation mark that is fed by itself belongs to the word before or after it, as in written text:
        with subwords, `,` after `the` is read as in `the,`, and ` ,` as in `the ,`.

        **Raises:** `UnknownWordError` for a word that is not in the dictionary; then none is read.
        """
        words = self._model.split(text)
        if self._now and words[0].startswith(BLANK_MARK) and not text[0].isspace():
            words[0] = _joined(self._model.dictionary.shown(self._now.word), words[0])
        for _, word in self._model.dictionary.spelt(words):
            gave_way = []
            for place, id in enumerate(self._model.dictionary.shortened(word)):
                if self._expected:
                    gave_way.append(self._cache.remember(self._expected.features[0], id))
                if self._dynamic:
                    self._dynamic.note(id, self._reader.state, may_learn=place == 0)
                self._expected = self._reader.read(np.array([[id]]))
            self._past.append(self._now)
            learned = self._dynamic.learned if self._dynamic else None
            self._now = _Moment(word, self._reader.last, self._reader.state, gave_way, learned=learned)
            self._next = None

    def undo(self) -> str:
        """Undoes the last word fed, as if it had never been read.

        **Returns:** the word.

        **Raises:** `SessionError` if no word is left that this session remembers: after 128 in a row, or
        for words fed before it was saved.
        """
        if not self._now:
            raise SessionError("there is no word to undo")
        oldest = self._past[0] if len(self._past) == 1 else None
        if not self._past or (oldest and not oldest.expected):
            raise SessionError(
                f"no more words can be undone; a session remembers only the last {MOST_FORGOTTEN} words"
            )
        word, gave_way = self._model.dictionary.shown(self._now.word), self._now.gave_way
        self._now = self._past.pop()
        if self._dynamic:
            self._dynamic.learned = (self._now and self._now.learned) or self._dynamic.nothing
        self._reader = Reader(self._model)
        self._expected = self._next = None
        for before in reversed(gave_way):
            self._cache.forget(before)
        if self._now:
            self._expected = self._read_again(self._now)
        return word

    def _read_again(self, moment: _Moment) -> Step:
        """What was expected after a word, bit for bit; this leaves the reader after that word."""
        before = moment if moment.expected else self._past[-1]
        if before:
            self._reader.last, self._reader.state = before.last, before.state
        if moment.expected:
            return moment.expected
        for id in self._model.dictionary.shortened(moment.word):
            expected = self._reader.read(np.array([[id]]))
        return expected

    def suggest(self, n: int = 3, prefix: str = "") -> list[tuple[str, float]]:
        """The likeliest next words, as `Generator.suggest` gives them.

        **Arguments:**

        - `n`: number of suggestions; fewer are returned if fewer words begin with `prefix`.
        - `prefix`: what has been typed of the next word; probabilities are renormalised over the
          words that begin with it.

        **Returns:** pairs of word and probability, best first.

        **Raises:** `PromptError` if no word has been fed yet, `UnknownWordError` if no word begins with
        `prefix`, `CountError` for a number out of range.
        """
        if not self._expected:
            raise PromptError("nothing has been read yet; feed at least one word")
        if self._next is None:
            logits, features = self._expected.logits[0], self._expected.features[0]
            if self._cache.count:
                log_probabilities = self._cache.mix(draw.log_softmax(logits), features)
                logits = log_probabilities.astype(np.float32)
            self._next = completion.after(self._model, self._reader, logits, self._cache)
        return self._next.best(n, prefix)

    def save(self) -> bytes:
        """The session as bytes, from which `Generator.resume` continues elsewhere, bit for bit.

        The history for `undo` is not saved.

        **Raises:** `PromptError` if no word has been fed yet.
        """
        if not self._now or not self._expected:
            raise PromptError("nothing has been read yet; feed at least one word")
        word, last, state = self._now.word, self._now.last, self._now.state
        saved = SavedSession(word, last, state, self._expected, self._cache, self._now.learned)
        return saved_session.save(self._model, self._dynamic, saved)

    def restore(self, data: bytes) -> None:
        """Becomes the session that was saved.

        **Raises:** `SessionError` for bytes that are not a session, or belong to another model file.
        """
        saved = saved_session.load(self._model, self._dynamic, data)
        last, state = saved.last, saved.state
        if self._dynamic and saved.learned:
            self._dynamic.learned = saved.learned
        self._cache, self._expected = saved.cache, saved.expected
        self._now = _Moment(saved.word, last, state, [], saved.expected, saved.learned)
        self._next = None
        self._reader.last, self._reader.state = last, state
        self._past.clear()


def _joined(previous: str, marked: str) -> str:
    """A marked word, without the blank before it where none is written after `previous`."""
    if previous == END_OF_LINE:
        return marked
    joiner = Joiner("words")
    for word in ("a", previous):
        joiner.push(word)
    has_blank = joiner.push(marked[1:]).startswith(" ")
    return marked if has_blank else GLUE_MARK + marked[1:]
