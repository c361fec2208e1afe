"""How good predictors are in words, where the ids of a text are those of subwords."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword import figures
from nextword.evaluate.judging import Judged, size_of
from nextword.evaluate.predictors import Predictor
from nextword.evaluate.samples import Spelling
from nextword.figures import SUGGESTIONS, Quality
from nextword.model import predictions
from nextword.model.predictions import Predictions
from nextword.runtime.entries import Entries
from nextword.runtime.keystrokes import KeystrokeCounter
from nextword.runtime.word_reader import WordReader, is_suggested_by, rank_of
from nextword.runtime.word_tree import Path
from nextword.text.corpus import PARTS, Corpus
from nextword.text.dictionary import Dictionary
from nextword.text.subwords import SubwordDictionary, shown
from nextword.text.words import Joiner
from nextword.tracking import track

_COUNTED = 20_000_000  # subwords at the end of the training part whose words are counted


class SubwordJudge:
    """Judges words that may consist of several ids.

    The probability of a word is the product of those of its subwords. Whether it is among the likeliest takes
    a search (`runtime.word_tree`), which is done for the first 2,000 words of each part.

    **Arguments:**

    - `texts`: the ids of each part to judge, by name.
    - `first`: the number of the first predicted subword, from 0.
    """

    def __init__(
        self, corpus: Corpus, dictionary: SubwordDictionary, texts: dict[str, NDArray[Any]], first: int
    ) -> None:
        self._corpus, self._dictionary, self._first = corpus, dictionary, first
        self._entries = Entries(dictionary, corpus.training_words)
        self._numbers: dict[Path, int] = {}  # the number of each word, by its subwords
        self.training = self.in_words(corpus.training[-_COUNTED:])
        self._frequencies = np.bincount(self.training)
        self._texts = {name: self.in_words(ids) for name, ids in texts.items()}

    @property
    def seen(self) -> Corpus:
        """The text as a user sees it: each id is a word, marked."""
        lengths = [len(self._texts.get(name, ())) for name in PARTS]
        return replace(
            self._corpus,
            ids=np.concatenate(list(self._texts.values())),
            ends=np.cumsum(lengths).tolist(),
            dictionary=Dictionary([self._dictionary.marked(path) for path in self._numbers]),
            frequencies=np.pad(self._frequencies, (0, len(self._numbers) - len(self._frequencies))),
        )

    def in_words(self, ids: NDArray[Any]) -> NDArray[Any]:
        """A text as the ids of its words in `seen`."""
        return np.array([self._number(path) for path in self._paths(ids)], np.int64)

    def judge(
        self, predictor: Predictor, name: str, part: str, ids: NDArray[Any], types: bool = False
    ) -> Judged:
        """How good a predictor is on a part of the text."""
        parts = track(predictor.parts(ids, self._first), f"evaluating {name}, {part}", len(ids), size_of)
        entries = predictions.judge(parts, None)
        starts = self._dictionary.starts(ids)
        starts = starts[starts >= self._first]
        log_probability = np.add.reduceat(entries.log_probability, starts - self._first)
        counter = KeystrokeCounter(Joiner("subwords", self._corpus.line_ends)) if types else None
        searched = list(self._search(predictor, f"searching words, {name}, {part}", ids, counter))
        rank = np.array([one for one, _, _ in searched])
        loss = float(-log_probability.mean())
        return Judged(
            Quality(
                accuracy=float((rank == 0).mean()),
                top_3_accuracy=float((rank < SUGGESTIONS).mean()),
                loss=loss,
                perplexity=figures.perplexity(loss),
            ),
            Predictions(
                log_probability[: len(searched)],
                rank,
                np.array([number for _, number, _ in searched]),
                np.array([value for _, _, value in searched]),
            ),
            entries,
            len(log_probability),
            counter.saved if counter else 0.0,
        )

    @property
    def spelling(self) -> Spelling:
        """How its words are written as subwords."""
        return self

    def ids_of(self, words: Sequence[int]) -> list[int]:
        """The subwords of some words."""
        paths = [*self._numbers]
        return [id for word in words for id in paths[word]]

    def begins_after(self, before: int, id: int) -> bool:
        """Whether a subword begins a word after the subword `before`."""
        return self._dictionary.begins_after(before, id)

    def ruled_out(self, path: Sequence[int]) -> NDArray[np.int64]:
        """The subwords that may not be written after the beginning of a word."""
        return self._entries.ruled_out(path)

    def word_of(self, path: Sequence[int]) -> int:
        """The number of a word."""
        return self._number(tuple(path))

    def _search(
        self, predictor: Predictor, what: str, ids: NDArray[Any], counter: KeystrokeCounter | None
    ) -> Iterator[tuple[int, int, float]]:
        """The rank of each of the first words, and the likeliest word with its log-probability."""
        reader, count = WordReader(predictor, self._entries, self._first), 0
        for path in track(self._paths(ids), what, min(figures.SEARCHED, len(ids))):
            word = self._dictionary.marked(path)
            if reader.is_ready:
                if count == figures.SEARCHED:
                    return
                count += 1
                tree, letters = reader.tree(), shown(word)
                found, _ = tree.search(SUGGESTIONS)
                yield rank_of(letters, found), self._number(found[0].path), found[0].log_probability
                if counter:
                    counter.type(word, letters, is_suggested_by(tree, letters))
            elif counter:
                counter.show(word)
            reader.read(path)

    def _paths(self, ids: NDArray[Any]) -> Iterator[Path]:
        """The subwords of each word."""
        listed, starts = ids.tolist(), self._dictionary.starts(ids).tolist()
        return (tuple(listed[start:end]) for start, end in itertools.pairwise([*starts, len(listed)]))

    def _number(self, path: Path) -> int:
        return self._numbers.setdefault(path, len(self._numbers))
