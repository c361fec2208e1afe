"""A text at a glance: its parts, its most frequent words, and how quickly words become rare."""

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nextword import outputs
from nextword.text.corpus import PARTS
from nextword.text.dictionary import Dictionary
from nextword.text.subwords import SubwordDictionary, in_words, shown

_MOST_FREQUENT = 20  # words in the report
_RANKS = 60  # evenly spaced on a logarithmic scale


@dataclass(frozen=True)
class PartStatistics:
    """A part of the text.

    - `words`, `different_words`: how many there are.
    - `subwords`: how many subwords spell them; `None` unless the text is split into subwords.
    - `unknown_share`: share of the words that the dictionary lacks, or that are `<unk>` in the text.
    """

    words: int
    different_words: int
    subwords: int | None
    unknown_share: float


@dataclass(frozen=True)
class Statistics:
    """The text at a glance.

    - `dictionary`: number of its entries.
    - `parts`: those that are not empty, by name.
    - `most_frequent`: the most frequent words of the training part, and how often each occurs.
    """

    dictionary: int
    parts: dict[str, PartStatistics]
    most_frequent: dict[str, int]


def as_seen(counts: Counter[str], dictionary: Dictionary) -> Counter[str]:
    """How often each word occurs as a user sees it: without marks, and cut into subwords where it is a run.

    **Arguments:**

    - `counts`: how often each word occurs as the text was split.
    """
    if not isinstance(dictionary, SubwordDictionary):
        return counts
    found: Counter[str] = Counter()
    for run, count in counts.items():
        for word, _ in in_words(dictionary, [run]):
            found[shown(word)] += count
    return found


def statistics(counts: list[Counter[str]], dictionary: Dictionary, lengths: list[int]) -> Statistics:
    """The text at a glance.

    **Arguments:**

    - `counts`: how often each word occurs in each part, as a user sees it.
    - `lengths`: how many ids each part has.
    """
    parts = {
        name: PartStatistics(
            words=(total := count.total()),
            different_words=len(count),
            subwords=length if isinstance(dictionary, SubwordDictionary) else None,
            unknown_share=sum(n for word, n in count.items() if dictionary.is_unknown(word)) / total,
        )
        for name, count, length in zip(PARTS, counts, lengths, strict=True)
        if count
    }
    return Statistics(len(dictionary), parts, dict(counts[0].most_common(_MOST_FREQUENT)))


def write_ranks(path: Path, counts: list[Counter[str]]) -> None:
    """Writes how quickly words become rare (Zipf 1949), and the share of each part that each rank covers."""
    by_frequency = [word for word, _ in counts[0].most_common()]
    covered = {
        f"{name}_coverage": np.cumsum([count[word] for word in by_frequency]) / count.total()
        if count
        else None
        for name, count in zip(PARTS, counts, strict=True)
    }
    ranks = np.unique(np.geomspace(1, len(by_frequency), _RANKS).round().astype(np.int64))

    def rows() -> Iterator[list[Any]]:
        for rank in ranks.tolist():
            count = counts[0][by_frequency[rank - 1]]
            shares = ("" if part is None else float(part[rank - 1]) for part in covered.values())
            yield [rank, count, math.log10(rank), math.log10(count), *shares]

    outputs.write_table(path, ["rank", "count", "log10_rank", "log10_count", *covered], rows())
