"""Words ⇄ ids: the dictionary of a text, its words by descending frequency."""

import bisect
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Self

from nextword.errors import UnknownWordError


class Dictionary:
    """The words that a model knows; a word's id is its place among them.

    **Arguments:**

    - `words`: the words in id order, each once.
    - `unknown`: id of `<unk>`, which stands for every other word, or `None` if there is none.
    """

    def __init__(self, words: Sequence[str], unknown: int | None = None) -> None:
        self.words = tuple(words)
        self.unknown = unknown
        self._ids = {word: id for id, word in enumerate(self.words)}

    @classmethod
    def count(cls, words: Iterable[str]) -> Self:
        """The dictionary of a text: ids by descending frequency, ties by first appearance."""
        return cls([word for word, _ in Counter(words).most_common()])

    def __contains__(self, word: str) -> bool:
        return word in self._ids

    def __len__(self) -> int:
        return len(self.words)

    def encode(self, words: Iterable[str]) -> list[int]:
        """The id of each word.

        **Raises:** `UnknownWordError` for a word that is not here, if there is no `<unk>`.
        """
        return [self._encode_word(word) for word in words]

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The word of each id."""
        return [self.words[id] for id in ids]

    def neighbours(self, word: str, n: int = 3) -> list[str]:
        """At most `n` words that are spelt most like `word`, best first."""
        import difflib

        by_lowered: dict[str, str] = {}
        for known in self.words:
            by_lowered.setdefault(known.lower(), known)
        return [by_lowered[match] for match in difflib.get_close_matches(word.lower(), by_lowered, n)]

    def starting_with(self, prefix: str) -> list[int]:
        """The ids of all words that begin with `prefix`, in alphabetical order of the words."""
        words, ids = self._alphabetical

        def beginning(word: str) -> str:
            return word[: len(prefix)]

        first = bisect.bisect_left(words, prefix, key=beginning)
        return ids[first : bisect.bisect_right(words, prefix, first, key=beginning)]

    def is_half_typed(self, word: str) -> bool:
        """Whether a word is not here, but may become one that is, or can be nothing else."""
        return word not in self and (self.unknown is None or bool(self.starting_with(word)))

    @cached_property
    def _alphabetical(self) -> tuple[list[str], list[int]]:
        """The words in the order of their code points, and their ids."""
        ids = sorted(range(len(self.words)), key=self.words.__getitem__)
        return [self.words[id] for id in ids], ids

    def _encode_word(self, word: str) -> int:
        id = self._ids.get(word, self.unknown)
        if id is None:
            raise UnknownWordError(word, self.neighbours(word))
        return id
