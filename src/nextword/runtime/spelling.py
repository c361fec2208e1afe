"""What one sample has written, and what may come next, where a word is spelt by several entries."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from nextword.runtime.drafts import Draft, Runs, Word, banned_words
from nextword.runtime.entries import MOST_SUBWORDS, Entries
from nextword.runtime.model_file import ModelFile
from nextword.runtime.sampling import Sampling
from nextword.text.marks import BLANK_MARK, GLUE_MARK, is_unspaced
from nextword.text.subwords import SubwordDictionary, surface_of
from nextword.text.words import END_OF_LINE


def drafts(model: ModelFile, prompt: Sequence[int], sampling: Sampling, samples: int) -> Sequence[Draft]:
    """As `nextword.runtime.drafts.drafts`."""
    entries = model.entries
    banned = _Banned(entries.dictionary, banned_words(model, sampling))
    words = entries.dictionary.grouped(prompt)
    return [_SpeltDraft(entries, banned, words, sampling) for _ in range(samples)]


class _Banned:
    """Words that are never written.

    **Arguments:**

    - `words`: marked; they are banned with either mark.
    """

    def __init__(self, dictionary: SubwordDictionary, words: Iterable[str]) -> None:
        self._surfaces = {surface_of(word) for word in words}
        # The entries that finish a banned word, by the entries before them.
        self._finishing: dict[Word, list[int]] = defaultdict(list)
        for word in words:
            for *before, last in {dictionary.split(spelt) for spelt in _spellings(word)}:
                self._finishing[tuple(before)].append(last)
        self._lengths = {*map(len, self._finishing)}

    def completing(self, written: Sequence[int]) -> list[int]:
        """The entries that would finish a banned word after what was written."""
        ends = (tuple(written[len(written) - length :]) for length in self._lengths if length <= len(written))
        return [id for end in ends for id in self._finishing.get(end, ())]

    def __contains__(self, surface: str) -> bool:
        return surface in self._surfaces


def _spellings(word: str) -> list[str]:
    """A marked word with either mark."""
    if word == END_OF_LINE or is_unspaced(word):
        return [word]
    return [mark + word[1:] for mark in (BLANK_MARK, GLUE_MARK)]


class _SpeltDraft:
    """A draft whose words are spelt by entries.

    A word is finished when the next one begins. The last word of the prompt is taken as whole.

    - `repetition_penalty` makes the first entries of the last words less likely, the unfinished one included.
    - `no_repeat_ngram`: an entry that would complete a word that once followed these words is ruled out. A
      new word may not begin if the unfinished one is such a word, spelt differently.
    - `banned`: an entry that would complete a banned word as it is split is ruled out. A new word may not
      begin if the unfinished one is a banned word, spelt differently.
    """

    def __init__(self, entries: Entries, banned: _Banned, prompt: Sequence[Word], sampling: Sampling) -> None:
        self.words = 0
        self._entries, self._banned, self._spelt = entries, banned, entries.dictionary.words
        self._path: list[int] = []  # of the unfinished word
        self._written: deque[int] = deque(maxlen=MOST_SUBWORDS)
        self._recent = deque(map(self._first, prompt), sampling.window)
        self._runs = Runs(sampling.no_repeat_ngram)
        for word in prompt:
            self._runs.append(self._marked(word), word)

    def recent(self) -> NDArray[np.int64]:
        return np.array(list({*self._recent}), np.int64)

    def ruled_out(self) -> NDArray[np.int64]:
        entries, marked = self._entries, self._marked(self._path)
        found = [entries.ruled_out(self._path)]
        more = self._banned.completing(tuple(self._written)) + self._runs.completing(tuple(self._path))
        if self._path:
            more += self._runs.completing_after(marked)
            surface = "".join([entries.surfaces[id] for id in self._path])
            if surface in self._banned or self._runs.is_repeated(marked):
                found.append(entries.beginning)  # it must become another word
        return np.concatenate([*found, np.array(more, np.int64)])

    def take(self, id: int) -> Word | None:
        finished, dictionary = None, self._entries.dictionary
        if self._path and dictionary.begins_after(self._path[-1], id):
            finished = tuple(self._path)
            self._runs.append(self._marked(finished), finished)
            self.words += 1
            self._path.clear()
        self._path.append(id)
        self._written.append(id)
        if len(self._path) == 1:
            self._recent.append(id)
        elif dictionary.begins[id]:  # after the blank
            self._recent[-1] = id
        return finished

    def _first(self, word: Sequence[int]) -> int:
        """The first entry of a word; in a script without blanks, the one after the blank."""
        begins = self._entries.dictionary.begins
        return word[1] if len(word) > 1 and begins[word[1]] else word[0]

    def _marked(self, path: Sequence[int]) -> str:
        return "".join([self._spelt[id] for id in path])
