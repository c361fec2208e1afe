"""Subwords: the entries of a dictionary that together spell any text (Sennrich, Haddow & Birch 2016)."""

import bisect
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword.text import words
from nextword.text.dictionary import Dictionary
from nextword.text.marks import (
    BLANK_MARK,
    BYTES,
    GLUE_MARK,
    MARKS,
    Unmarker,
    begins_word,
    byte_of,
    is_unspaced,
)
from nextword.text.words import END_OF_LINE

REQUIRED = (*BYTES, *sorted(MARKS))  # in every dictionary, so that nothing is unknown
LINE_END = "\n"

MOST_READ = 512  # subwords of a word; of a longer one, a text that goes on reads the last

_REMEMBERED = 200_000  # words whose split is cached
_MOST_TYPED = 20_000  # beginnings of words whose matches are cached
_REPLACEMENT = "\ufffd"  # for a lone surrogate, which UTF-8 cannot encode


class SubwordDictionary(Dictionary):
    """The entries that marked words are cut into, by longest match from the left.

    This is as good as replaying the merges of byte-pair encoding (Uzan et al. 2024). A character that no
    entry has is spelt by its UTF-8 bytes, so that no word is unknown.

    **Arguments:**

    - `entries`: in id order, each once; they include `REQUIRED`.
    """

    unit = "subwords"

    def __init__(self, entries: Sequence[str]) -> None:
        super().__init__(entries)
        self._longest = max(map(len, self.words))
        self._split: dict[str, tuple[int, ...]] = {}
        self._line_end = self._ids.get(END_OF_LINE)

    @cached_property
    def begins(self) -> tuple[bool, ...]:
        """For each entry, whether it begins a word, as `<eos>` does; see `begins_after`."""
        return tuple(entry == END_OF_LINE or begins_word(entry) for entry in self.words)

    def begins_after(self, before: int, id: int) -> bool:
        """Whether an entry begins a word after the entry `before`: a bare mark belongs to what follows it."""
        return self.begins[id] and self.words[before] not in MARKS

    def starts(self, ids: NDArray[Any]) -> NDArray[np.int64]:
        """Where the words of a text begin, the first included: `begins_after` for all its entries at once."""
        begins, is_mark = self._flags
        found = begins[ids]
        found[1:] &= ~is_mark[ids[:-1]]
        found[:1] = True
        return np.flatnonzero(found)

    @cached_property
    def _flags(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """For each entry, whether it begins a word, and whether it is a bare mark."""
        return np.array(self.begins), np.array([entry in MARKS for entry in self.words])

    def __contains__(self, word: str) -> bool:
        return True

    def is_unknown(self, word: str) -> bool:  # noqa: ARG002
        """Always false."""
        return False

    def encode(self, words: Iterable[str]) -> list[int]:
        """The ids of the subwords of some marked words, in order."""
        return [id for word in words for id in self.split(word)]

    def split(self, word: str) -> tuple[int, ...]:
        """The ids of the subwords of a marked word."""
        found = self._split.get(word)
        if found is None:
            if len(self._split) >= _REMEMBERED:
                self._split.clear()
            found = self._split[word] = self._split_anew(word)
        return found

    def _split_anew(self, word: str) -> tuple[int, ...]:
        if word == END_OF_LINE and self._line_end is not None:
            return (self._line_end,)
        return tuple(self._longest_matches(word))

    def grouped(self, ids: Sequence[int]) -> list[tuple[int, ...]]:
        """Groups subwords into words."""
        starts = self.starts(np.array(ids, np.int64)).tolist()
        return [tuple(ids[start:end]) for start, end in itertools.pairwise([*starts, len(ids)])]

    def shortened(self, ids: Sequence[int]) -> Sequence[int]:
        """The ids that are read of a text: at most the last `MOST_READ` of a word."""
        if len(ids) <= MOST_READ:
            return ids
        return [id for word in self.grouped(ids) for id in word[-MOST_READ:]]

    def spelt(self, words: Iterable[str]) -> list[tuple[str, tuple[int, ...]]]:
        """The words of a text as a user sees them, each with the ids of its subwords."""
        return [(self.shown(ids), ids) for ids in self.grouped(self.encode(words))]

    def shown(self, ids: Sequence[int]) -> str:
        """A word as a user sees it, bytes decoded; `<eos>` for a line end."""
        unmarker = Unmarker()
        pieces = [self.words[id] if id == self._line_end else unmarker.push(self.words[id]) for id in ids]
        return "".join(pieces).removeprefix(" ")

    def is_split(self, path: Sequence[int]) -> bool:
        """Whether some subwords are the ones that the word they spell is split into."""
        return self.split("".join([self.words[id] for id in path])) == tuple(path)

    def marked(self, path: Sequence[int]) -> str:
        """The marked word that some subwords spell."""
        entries = self.decode(path)
        mark = entries[0][0] if entries[0][0] in MARKS else ""
        return mark + words.join(entries, "subwords").lstrip(" ") if entries != [END_OF_LINE] else END_OF_LINE

    def _longest_matches(self, word: str) -> Iterator[int]:
        ids, start = self._ids, 0
        while start < len(word):
            for end in range(min(len(word), start + self._longest), start, -1):
                id = ids.get(word[start:end])
                # Only at the beginning is a mark a mark; elsewhere it is a character of the text.
                if id is not None and not (start and word[start] in MARKS):
                    yield id
                    start = end
                    break
            else:
                yield from self._spelt(word[start])
                start += 1

    def _spelt(self, character: str) -> Iterator[int]:
        """The bytes of a character, with a mark before them if it would begin a word."""
        if is_unspaced(character):
            yield self._ids[GLUE_MARK]
        if "\ud800" <= character <= "\udfff":
            character = _REPLACEMENT
        yield from (self._ids[BYTES[byte]] for byte in character.encode())


def in_words(dictionary: SubwordDictionary, marked: Iterable[str]) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The words of a text as a user sees them, still marked, with the ids of their subwords.

    A run of a script without blanks is one marked word, and each of its subwords is a word. A blank before it
    is a marked word of its own, and belongs to the first of these.
    """
    blank: tuple[int, ...] = ()
    for run in marked:
        path = dictionary.split(run)
        parts = dictionary.grouped(path) if len(path) > 1 else [path]
        for part in parts:
            word = dictionary.marked(part) if len(parts) > 1 else run
            if word == BLANK_MARK:
                blank = part
            else:
                yield (BLANK_MARK + surface_of(word) if blank else word), blank + part
                blank = ()


def surface_of(entry: str) -> str:
    """What a subword or a marked word adds to a text, apart from the blank; "" for a mark or a byte."""
    if byte_of(entry) is not None:
        return ""
    if entry == END_OF_LINE:
        return LINE_END
    return entry[1:] if entry[0] in MARKS else entry


def shown(word: str) -> str:
    """A marked word as a user sees it."""
    return word if word == END_OF_LINE else surface_of(word)


class Surfaces:
    """Some entries of a dictionary, looked up by what they add to a text.

    **Arguments:**

    - `entries`: of the dictionary.
    - `ids`: of the entries to look up.

    **Attributes:** `longest`, the length of the longest addition, in characters.
    """

    def __init__(self, entries: Sequence[str], ids: Iterable[int]) -> None:
        pairs = sorted((surface_of(entries[id]), id) for id in ids)
        self._surfaces, self._ids = [surface for surface, _ in pairs], [id for _, id in pairs]
        self.longest = max(map(len, self._surfaces), default=0)
        self._spelt: dict[str, list[int]] = defaultdict(list)
        for surface, id in pairs:
            self._spelt[surface].append(id)
        self._agreeing: dict[str, tuple[NDArray[np.int64], NDArray[np.int64]]] = {}

    def agreeing(self, rest: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The ids of the entries that begin with `rest`, and of the shorter ones that it begins with."""
        rest = rest[: self.longest + 1]  # anything longer than all of them has the same matches
        if rest not in self._agreeing:
            if len(self._agreeing) >= _MOST_TYPED:
                self._agreeing.clear()
            shorter = [
                id
                for end in range(min(len(rest), self.longest + 1))
                for id in self._spelt.get(rest[:end], ())
            ]
            self._agreeing[rest] = (
                np.array(self._beginning_with(rest), np.int64),
                np.array(shorter, np.int64),
            )
        return self._agreeing[rest]

    def _beginning_with(self, rest: str) -> list[int]:
        def beginning(surface: str) -> str:
            return surface[: len(rest)]

        first = bisect.bisect_left(self._surfaces, rest, key=beginning)
        return self._ids[first : bisect.bisect_right(self._surfaces, rest, first, key=beginning)]


def dictionary_of(words: Sequence[str], unknown: int | None, split_by: str) -> Dictionary:
    """The dictionary of a text split by `split_by`; `words` and `unknown` as for `Dictionary`."""
    return SubwordDictionary(words) if split_by == "subwords" else Dictionary(words, unknown)


def is_inventory(words: Sequence[str]) -> bool:
    """Whether a list of entries can be a dictionary of subwords."""
    return {*REQUIRED} <= {*words} and all(
        entry in MARKS or entry == END_OF_LINE or byte_of(entry) is not None or not MARKS & {*entry[1:]}
        for entry in words
    )
