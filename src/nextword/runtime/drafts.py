"""What one sample has written, and which words it may still use, where each entry is a word."""

from collections import defaultdict, deque
from collections.abc import Hashable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nextword.errors import SamplingError, UnknownWordError, quoted
from nextword.runtime.model_file import ModelFile
from nextword.runtime.sampling import Sampling

Word = tuple[int, ...]  # its ids


class Draft(Protocol):
    """What one sample has written; `words` is the number of finished words."""

    words: int

    def recent(self) -> NDArray[np.int64]:
        """The entries that `repetition_penalty` makes less likely, each once."""

    def ruled_out(self) -> NDArray[np.int64]:
        """The entries that may not come next."""

    def take(self, id: int) -> Word | None:
        """Takes the next entry. **Returns:** the word that this finishes, if any."""


def drafts(model: ModelFile, prompt: Sequence[int], sampling: Sampling, samples: int) -> Sequence[Draft]:
    """The drafts of some samples that all continue the same prompt.

    **Arguments:**

    - `prompt`: its ids.

    **Raises:** `SamplingError` and `UnknownWordError` for banned words.
    """
    if model.metadata.split_by == "subwords":
        from nextword.runtime import spelling

        return spelling.drafts(model, prompt, sampling, samples)
    ruled_out = {*_banned(model, sampling)} | {*_unknown(model)}
    return [_WordDraft(prompt, sampling, sorted(ruled_out)) for _ in range(samples)]


class _WordDraft:
    """A draft in which each entry is a word."""

    def __init__(self, prompt: Sequence[int], sampling: Sampling, ruled_out: Sequence[int]) -> None:
        self.words = 0
        self._ruled_out = list(ruled_out)
        self._recent = deque(prompt, sampling.window)
        self._runs = Runs(sampling.no_repeat_ngram)
        for id in prompt:
            self._runs.append(id, (id,))

    def recent(self) -> NDArray[np.int64]:
        return np.array(list({*self._recent}), np.int64)

    def ruled_out(self) -> NDArray[np.int64]:
        return np.array(self._ruled_out + self._runs.completing(()), np.int64)

    def take(self, id: int) -> Word | None:
        self.words += 1
        self._recent.append(id)
        self._runs.append(id, (id,))
        return (id,)


class Runs:
    """The runs of `n` words in a text, so that none is repeated; 0 remembers nothing."""

    def __init__(self, n: int) -> None:
        self._n = n
        self._last: deque[Hashable] = deque(maxlen=max(0, n - 1))
        # The entries that finish a word, by the words before it and by its beginning.
        self._finishing: dict[tuple[tuple[Hashable, ...], Word], list[int]] = defaultdict(list)
        self._following: set[tuple[tuple[Hashable, ...], Hashable]] = set()

    def append(self, name: Hashable, word: Word) -> None:
        """Takes the next word.

        **Arguments:**

        - `name`: the same for the same word, however it is spelt.
        """
        if not self._n:
            return
        if len(self._last) == self._n - 1:
            before = tuple(self._last)
            self._finishing[before, word[:-1]].append(word[-1])
            self._following.add((before, name))
        self._last.append(name)

    def completing(self, beginning: Word) -> list[int]:
        """The entries that would complete a run that the text already has, after a word's beginning."""
        return self._finishing.get((tuple(self._last), beginning), []) if self._n else []

    def completing_after(self, name: Hashable) -> list[int]:
        """The one-entry words that would complete a run that the text already has, after one more word."""
        if not self._n:
            return []
        before = (*self._last, name)[len(self._last) - self._n + 2 :] if self._n > 1 else ()
        return self._finishing.get((before, ()), [])

    def is_repeated(self, name: Hashable) -> bool:
        """Whether a word completes a run that the text already has."""
        return bool(self._n) and (tuple(self._last), name) in self._following


def _unknown(model: ModelFile) -> list[int]:
    """The id of `<unk>`, which is never written."""
    return [] if model.dictionary.unknown is None else [model.dictionary.unknown]


def _banned(model: ModelFile, sampling: Sampling) -> list[int]:
    """The ids of the banned words."""
    found = []
    for word in banned_words(model, sampling):
        if word not in model.dictionary:
            raise UnknownWordError(word, model.dictionary.neighbours(word))
        found += model.dictionary.encode([word])
    return found


def banned_words(model: ModelFile, sampling: Sampling) -> list[str]:
    """The banned words.

    **Raises:** `SamplingError` for a text of more than one word.
    """
    found = []
    for word in sampling.banned:
        tokens = model.split(word)
        if len(tokens) > 1:
            raise SamplingError(f"{quoted(word)} is {len(tokens)} words; ban one at a time")
        found += tokens
    return found
