"""Byte-pair encoding: words and their counts → subwords that spell them in few entries."""

import heapq
import itertools
from collections import Counter, defaultdict
from collections.abc import Mapping

from nextword.text.marks import MARKS
from nextword.text.subwords import REQUIRED, SubwordDictionary
from nextword.text.words import END_OF_LINE

_LONGEST = 24  # characters in an entry

Pair = tuple[str, str]


def learn(counts: Mapping[str, int], size: int) -> SubwordDictionary:
    """The inventory of subwords of a text, by descending frequency, ties in code-point order.

    Characters come first and take at most half of the room. Then the most frequent pair of adjacent
    symbols in the text becomes an entry, repeatedly (Sennrich, Haddow & Birch 2016, algorithm 1). Entries
    that longest match from the left never yields are removed at the end. The result depends on the counts
    alone, not on their order.

    **Arguments:**

    - `counts`: how often each marked word occurs in the training part.
    - `size`: the largest number of entries, `text.subwords.REQUIRED` included.
    """
    line_end = [END_OF_LINE] if END_OF_LINE in counts else []
    room = size - len(REQUIRED) - len(line_end)
    spelt = {word: count for word, count in sorted(counts.items()) if word != END_OF_LINE}
    characters = _characters(spelt)[: room // 2]
    merged = _merge(spelt, {*characters, *MARKS}, room - len(characters))
    whole = SubwordDictionary([*REQUIRED, *line_end, *characters, *merged])
    used = frequencies(counts, whole)
    kept = [entry for entry in whole.words if used[entry] or entry in REQUIRED]
    return SubwordDictionary(sorted(kept, key=lambda entry: (-used[entry], entry)))


def frequencies(counts: Mapping[str, int], dictionary: SubwordDictionary) -> Counter[str]:
    """How often each entry occurs in a text."""
    found: Counter[int] = Counter()
    for word, count in counts.items():
        for id in dictionary.split(word):
            found[id] += count
    return Counter({dictionary.words[id]: count for id, count in found.items()})


def _characters(counts: Mapping[str, int]) -> list[str]:
    """The characters of the words except marks, by descending frequency."""
    found: Counter[str] = Counter()
    for word, count in counts.items():
        for character in word:
            if character not in MARKS:
                found[character] += count
    return sorted(found, key=lambda character: (-found[character], character))


def _merge(counts: Mapping[str, int], alphabet: set[str], merges: int) -> list[str]:
    """The entries that merging yields, in order."""
    words = _Words([_symbols(word, alphabet) for word in counts], list(counts.values()))
    heap = [(-count, pair) for pair, count in words.pairs.items()]
    heapq.heapify(heap)
    merged: dict[str, None] = {}
    while heap and len(merged) < merges:
        count, pair = heapq.heappop(heap)
        if words.pairs[pair] == -count:  # otherwise it has changed since
            for other in words.merge(pair):
                heapq.heappush(heap, (-words.pairs[other], other))
            merged["".join(pair)] = None
    return list(merged)


class _Words:
    """Words as symbols, and how often each pair of adjacent symbols occurs in them."""

    def __init__(self, words: list[list[str]], times: list[int]) -> None:
        self._words, self._times = words, times
        self.pairs: Counter[Pair] = Counter()
        self._places: dict[Pair, set[int]] = defaultdict(set)  # words that have, or once had, a pair
        for number, word in enumerate(words):
            self._count(number, word, 1)

    def merge(self, pair: Pair) -> set[Pair]:
        """Merges a pair into one symbol wherever it occurs; returns the pairs whose counts changed."""
        changed: set[Pair] = set()
        for number in self._places.pop(pair):
            before = self._words[number]
            after = self._words[number] = _merged(before, pair)
            if len(after) < len(before):
                changed |= self._count(number, before, -1) | self._count(number, after, 1)
        return {other for other in changed if self.pairs[other] > 0}

    def _count(self, number: int, symbols: list[str], sign: int) -> set[Pair]:
        found = _pairs(symbols)
        for pair in found:
            self.pairs[pair] += sign * self._times[number]
            self._places[pair].add(number)
        return {*found}


def _symbols(word: str, alphabet: set[str]) -> list[str]:
    """The characters of a word, with "" in place of those that are spelt in bytes."""
    return [
        character if character in alphabet and not (place and character in MARKS) else ""
        for place, character in enumerate(word)
    ]


def _pairs(symbols: list[str]) -> list[Pair]:
    """The adjacent symbols that can be merged."""
    return [
        (one, other)
        for one, other in itertools.pairwise(symbols)
        if one and other and len(one) + len(other) <= _LONGEST
    ]


def _merged(symbols: list[str], pair: Pair) -> list[str]:
    found, place = [], 0
    while place < len(symbols):
        if tuple(symbols[place : place + 2]) == pair:
            found.append(pair[0] + pair[1])
            place += 2
        else:
            found.append(symbols[place])
            place += 1
    return found
