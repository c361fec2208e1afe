"""The entries of a dictionary of subwords: what each adds to a text, and what may follow it."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nextword.text.marks import BLANK_MARK, GLUE_MARK, MARKS, byte_of, is_unspaced
from nextword.text.subwords import SubwordDictionary, Surfaces, surface_of
from nextword.text.word_filter import WordFilter
from nextword.text.words import END_OF_LINE

MOST_SUBWORDS = 32  # of a word; a longer one ends there
_NEVER_SEEN = 3.0  # nats by which a word that the training text lacks comes later


class Entries:
    """What the subwords of a dictionary add to a text, and what may follow them.

    Bytes are read but never written. A new word may begin anywhere except after a bare mark.

    **Arguments:**

    - `training_words`: the words of the training text, if known.

    **Attributes:**

    - `surfaces`: of each entry; `longest`: the length of the longest, in characters.
    - `begins`: 1 for those that begin a word, else 0, float32 `(dictionary,)`; `beginning`: their ids.
    - `is_whole`: whether an entry is always a whole word, `(dictionary,)`: one of a script without blanks,
      or `<eos>`.
    - `first`, `after_mark`, `later`: what may come at the beginning of a word, after a bare mark, and
      everywhere else.
    """

    def __init__(self, dictionary: SubwordDictionary, training_words: WordFilter | None = None) -> None:
        self.dictionary = dictionary
        self._training_words = training_words
        entries, begins = dictionary.words, dictionary.begins
        self.surfaces = [surface_of(entry) for entry in entries]
        self.longest = max(map(len, self.surfaces))
        self.begins = np.array(begins, np.float32)
        self.beginning = np.flatnonzero(self.begins)
        self._bytes = {id for id, entry in enumerate(entries) if byte_of(entry) is not None}
        written = [id for id in range(len(entries)) if id not in self._bytes]
        first = [id for id in written if begins[id]]
        later = [id for id in written if not begins[id]]
        after_mark = [*later, *(id for id in written if is_unspaced(entries[id]))]
        self.first = Surfaces(entries, first)
        self.later = Surfaces(entries, later)
        self.after_mark = Surfaces(entries, after_mark)
        self.is_whole = np.array([entry == END_OF_LINE or is_unspaced(entry) for entry in entries])
        self._not_first, self._not_after_mark, self._not_later = (
            np.setdiff1d(np.arange(len(entries)), ids) for ids in (first, after_mark, written)
        )

    def spellings(self, word: str) -> list[tuple[int, ...]]:
        """The subwords of a word with and without a blank before it, if they can be written."""
        if word == END_OF_LINE:
            return []
        bare = [word] if is_unspaced(word) else []
        paths = [self.dictionary.split(spelt) for spelt in (*bare, BLANK_MARK + word, GLUE_MARK + word)]
        return [path for path in paths if len(path) <= MOST_SUBWORDS and not self._bytes.intersection(path)]

    def is_seen(self, word: str) -> bool:
        """Whether the training text has a word, as far as the model file says."""
        return self._training_words is None or word in self._training_words

    def handicap(self, word: str) -> float:
        """The nats by which a word comes later among suggestions than its probability says.

        A model of subwords spells words that do not exist, and finds them likelier than they are.
        """
        return 0.0 if self.is_seen(word) else _NEVER_SEEN

    def is_mark(self, id: int) -> bool:
        """Whether an entry is a bare mark."""
        return self.dictionary.words[id] in MARKS

    def ruled_out(self, path: Sequence[int]) -> NDArray[np.int64]:
        """The entries that may not be written next, after the beginning of a word.

        **Arguments:**

        - `path`: the subwords of the unfinished word; none where the continuation of a text begins.
        """
        if not path or len(path) >= MOST_SUBWORDS:
            return self._not_first
        return self._not_after_mark if self.is_mark(path[-1]) else self._not_later
