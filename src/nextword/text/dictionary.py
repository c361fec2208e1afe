"""Words ⇄ ids: the dictionary of a text, its words by descending frequency."""

import bisect
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import Self, cast

from nextword.errors import UnknownWordError

UNKNOWN = "<unk>"
_LONGEST = 100  # characters; longer words are not compared with others


def amount(number: int, unit: str) -> str:
    """A number with its unit, a plural in s: `1 word`, `2,902 subwords`."""
    return f"{number:,} {unit if number != 1 else unit.removesuffix('s')}"


class Dictionary:
    """The words that a model knows; a word's id is its index.

    **Arguments:**

    - `words`: the words in id order, each once.
    - `unknown`: id of `<unk>`, which replaces every other word, or `None` if there is none.

    **Attributes:** `unit`, what its entries are: `words`, or `subwords` that spell words.
    """

    unit = "words"

    def __init__(self, words: Sequence[str], unknown: int | None = None) -> None:
        self.words = tuple(words)
        self.unknown = unknown
        self._ids = {word: id for id, word in enumerate(self.words)}

    @classmethod
    def count(cls, counts: Counter[str], max_words: int = 0, min_count: int = 1) -> Self:
        """The dictionary of a text: ids by descending frequency, ties by first appearance.

        **Arguments:**

        - `counts`: how often each word occurs in the text, in the order of first appearance.
        - `max_words`: the largest size of the dictionary, `<unk>` included; 0 is no limit.
        - `min_count`: rarer words are left out.

        If either limit is set, `<unk>` replaces the words left out, with their total frequency. An `<unk>`
        that is already in the text is treated alike, with or without limits.
        """
        by_frequency = counts.most_common()
        if not max_words and min_count == 1:
            words = [word for word, _ in by_frequency]
            return cls(words, words.index(UNKNOWN) if UNKNOWN in counts else None)
        kept = [(word, count) for word, count in by_frequency if count >= min_count and word != UNKNOWN]
        kept = kept[: max_words - 1] if max_words else kept
        rare = counts.total() - sum(count for _, count in kept)
        place = sum(count >= rare for _, count in kept)
        words = [word for word, _ in kept]
        return cls([*words[:place], UNKNOWN, *words[place:]], place)

    def __contains__(self, word: str) -> bool:
        return word in self._ids

    def __len__(self) -> int:
        return len(self.words)

    def is_unknown(self, word: str) -> bool:
        """Whether a word is not in the dictionary, or is `<unk>` itself."""
        return self._ids.get(word, self.unknown) == self.unknown

    def encode(self, words: Iterable[str]) -> list[int]:
        """The id of each word.

        **Raises:** `UnknownWordError` for a word that is not in the dictionary, if there is no `<unk>`.
        """
        words = list(words)
        ids = [self._ids.get(word, self.unknown) for word in words]
        if None in ids:
            word = words[ids.index(None)]
            raise UnknownWordError(word, self.neighbours(word))
        return cast("list[int]", ids)

    def decode(self, ids: Iterable[int]) -> list[str]:
        """The word of each id."""
        return [self.words[id] for id in ids]

    def shortened(self, ids: Sequence[int]) -> Sequence[int]:
        """The ids that are read of a text: here, all of them."""
        return ids

    def spelt(self, words: Iterable[str]) -> list[tuple[str, tuple[int, ...]]]:
        """The words of a text as a user sees them, each with its ids: here, a single one.

        **Raises:** as `encode`.
        """
        words = list(words)
        return [(word, (id,)) for word, id in zip(words, self.encode(words), strict=True)]

    def shown(self, ids: Sequence[int]) -> str:
        """What a user sees of a word, given by its ids."""
        return self.words[ids[0]]

    def neighbours(self, word: str, n: int = 3) -> list[str]:
        """At most `n` words spelt most like `word`, best first; none if it is too long to be a word."""
        import difflib

        if len(word) > _LONGEST:
            return []

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
        """Whether an unknown word may be the beginning of a known one; without `<unk>`, it must be."""
        return word not in self and (self.unknown is None or bool(self.starting_with(word)))

    @cached_property
    def _alphabetical(self) -> tuple[list[str], list[int]]:
        """The words in code-point order, and their ids."""
        ids = sorted(range(len(self.words)), key=self.words.__getitem__)
        return [self.words[id] for id in ids], ids
