"""Whether samples are original: what they copy from the text, and how they repeat themselves."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_COPIED = range(4, 13)  # lengths of the n-grams to look for
_DISTINCT = range(1, 5)
_LONGEST_CYCLE = 10  # words
_BLOCK = 4_000_000  # words of the training part searched at once


@dataclass(frozen=True)
class Originality:
    """How original samples are.

    - `copied`: for n = 4 … 12, the share of their n-grams that are in the training part.
    - `longest_copy`: length in words of the longest run found there.
    - `distinct`: for n = 1 … 4, distinct n-grams divided by all n-grams (distinct-n, Li et al. 2016).
    - `loops`: share of the samples that end in a loop: the same one to ten words three times in a row.
    """

    copied: dict[int, float]
    longest_copy: int
    distinct: dict[int, float]
    loops: float


def examine(samples: list[list[int]], training: NDArray[Any]) -> Originality:
    """Compares samples with the text that the model learned from.

    **Arguments:**

    - `samples`: the word ids of the samples, without their prompts.
    - `training`: word ids, shape `(words,)`.
    """
    runs = _copied_runs(samples, training)
    return Originality(
        copied={n: _share([run[: max(0, len(run) - n + 1)] >= n for run in runs]) for n in _COPIED},
        longest_copy=max(int(run.max()) for run in runs),
        distinct={n: _distinct(samples, n) for n in _DISTINCT},
        loops=float(np.mean([_ends_in_loop(sample) for sample in samples])),
    )


def _copied_runs(samples: list[list[int]], training: NDArray[Any]) -> list[NDArray[np.int64]]:
    """For each word of each sample, the length of the longest run from there on that the text has too."""
    runs = [np.zeros(len(sample), np.int64) for sample in samples]
    longest = max(map(len, samples))
    for first in range(0, len(training), _BLOCK):
        block = np.array(training[first : first + _BLOCK + longest])  # a run may end beyond the block
        places = np.argsort(block, kind="stable")
        by_word = block[places]
        for sample, run in zip(samples, runs, strict=True):
            words = np.array(sample, block.dtype)  # the same type, so that the block is not converted
            lows, highs = (np.searchsorted(by_word, words, side) for side in ("left", "right"))
            for start, (low, high) in enumerate(zip(lows.tolist(), highs.tolist(), strict=True)):
                run[start] = max(run[start], _run(words[start + 1 :], block, places[low:high]))
    return runs


def _run(words: NDArray[Any], block: NDArray[Any], places: NDArray[np.int64]) -> int:
    """The length of the longest match of `words` after one of the places, that place included."""
    length = 0
    while len(places) and length < len(words):
        places = places[places + 1 < len(block)] + 1
        places = places[block[places] == words[length]]
        length += 1
    return length + bool(len(places))


def _share(found: list[NDArray[np.bool_]]) -> float:
    flags = np.concatenate(found)
    return float(flags.mean()) if len(flags) else 0.0


def _distinct(samples: list[list[int]], n: int) -> float:
    grams = [tuple(sample[start : start + n]) for sample in samples for start in range(len(sample) - n + 1)]
    return len(set(grams)) / len(grams) if grams else 0.0


def _ends_in_loop(sample: list[int]) -> bool:
    return any(
        len(sample) >= 3 * length and sample[-length:] * 3 == sample[-3 * length :]
        for length in range(1, _LONGEST_CYCLE + 1)
    )
