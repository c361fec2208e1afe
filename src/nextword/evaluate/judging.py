"""How good predictors are on a part of a text, where each id is a word."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

from numpy.typing import NDArray

from nextword.evaluate.predictors import Predictor
from nextword.evaluate.samples import Spelling, Whole
from nextword.figures import Quality
from nextword.model import predictions
from nextword.model.predictions import Part, Predictions
from nextword.runtime.keystrokes import KeystrokeCounter, Suggester
from nextword.text.corpus import Corpus
from nextword.text.words import Joiner
from nextword.tracking import track


@dataclass(frozen=True)
class Judged:
    """How good a predictor is on a part of a text.

    - `quality`: of its words.
    - `predictions`: for the words that were ranked; all of them if each id is a word.
    - `entries`: the predictions for all ids.
    - `words`: how many words these ids make.
    - `keystrokes_saved`: share of keystrokes; 0 if not requested.
    """

    quality: Quality
    predictions: Predictions
    entries: Predictions
    words: int
    keystrokes_saved: float = 0.0


class Judge(Protocol):
    """Compares predictions for the parts of a text with the actual words."""

    @property
    def seen(self) -> Corpus:
        """The text as a user sees it: each id is a word."""

    @property
    def spelling(self) -> Spelling:
        """How its words are written as ids of the dictionary."""

    @property
    def training(self) -> NDArray[Any]:
        """The training part in words, or its end if it is very long."""

    def in_words(self, ids: NDArray[Any]) -> NDArray[Any]:
        """A text as the ids of its words in `seen`."""

    def judge(
        self, predictor: Predictor, name: str, part: str, ids: NDArray[Any], types: bool = False
    ) -> Judged:
        """How good a predictor is.

        **Arguments:**

        - `name`: of the predictor, to show to users.
        - `part`, `ids`: a part of the text; the training part may be shortened.
        - `types`: whether keystrokes are counted.
        """


class WordJudge:
    """Judges words that are single ids.

    **Arguments:**

    - `first`: the number of the first predicted id, from 0.
    """

    def __init__(self, corpus: Corpus, first: int) -> None:
        self.seen, self._first = corpus, first
        self.spelling = Whole(corpus.dictionary.unknown)
        self.training = corpus.training

    def in_words(self, ids: NDArray[Any]) -> NDArray[Any]:
        """The ids themselves."""
        return ids

    def judge(
        self, predictor: Predictor, name: str, part: str, ids: NDArray[Any], types: bool = False
    ) -> Judged:
        """How good a predictor is on a part of the text."""
        counter = KeystrokeCounter(Joiner(self.seen.split_by, self.seen.line_ends))
        parts = track(predictor.parts(ids, self._first), f"evaluating {name}, {part}", len(ids), size_of)
        if types:
            parts = self._typed(parts, part, counter)
        found = predictions.judge(parts, self.seen.dictionary.unknown)
        return Judged(found.quality, found, found, len(found), counter.saved)

    def _typed(self, parts: Iterator[Part], part: str, counter: KeystrokeCounter) -> Iterator[Part]:
        """Simulates a user who types the next words with these predictions."""
        suggester, words = Suggester(self.seen.dictionary), self.seen.words_of(part)
        for word in islice(words, self._first):
            counter.show(word)
        for log_probabilities, next_words in parts:
            for row, id in zip(log_probabilities, next_words.tolist(), strict=True):
                word = next(words)
                counter.type(word, word, suggester.of(id, row))
            yield log_probabilities, next_words


def size_of(part: Part) -> int:
    """The number of predicted ids."""
    return len(part[1])
