"""A text at a glance: its parts, its most frequent words, and how fast words grow rare."""

import csv
import math
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from nextword.dictionary import Dictionary
from nextword.training.corpus import PARTS
from nextword.training.numbers import significant

_MOST_FREQUENT = 20  # words in the report
_RANKS = 60  # at equal distances on a logarithmic scale


def report(counts: list[Counter[str]], dictionary: Dictionary) -> dict[str, Any]:
    """The text at a glance: its parts and its most frequent words."""
    return {
        "dictionary": len(dictionary),
        "parts": {
            name: {
                "words": (total := count.total()),
                "different_words": len(count),
                "unknown_share": significant(
                    sum(n for word, n in count.items() if word not in dictionary) / total
                ),
            }
            for name, count in zip(PARTS, counts, strict=True)
            if count
        },
        "most_frequent": dict(counts[0].most_common(_MOST_FREQUENT)),
    }


def write_ranks(path: Path, counts: list[Counter[str]]) -> None:
    """How fast words grow rare (Zipf 1949), and what share of each part the words up to each rank cover."""
    by_frequency = [word for word, _ in counts[0].most_common()]
    covered = {
        f"{name}_coverage": np.cumsum([count[word] for word in by_frequency]) / count.total()
        if count
        else None
        for name, count in zip(PARTS, counts, strict=True)
    }
    ranks = np.unique(np.geomspace(1, len(by_frequency), _RANKS).round().astype(np.int64))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["rank", "count", "log10_rank", "log10_count", *covered])
        for rank in ranks.tolist():
            count = counts[0][by_frequency[rank - 1]]
            logs = [significant(math.log10(value)) for value in (rank, count)]
            shares = ("" if part is None else significant(part[rank - 1]) for part in covered.values())
            writer.writerow([rank, count, *logs, *shares])
