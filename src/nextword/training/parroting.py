"""Whether samples are new: what they copy from the text, and how they repeat themselves."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_COPIED = range(4, 13)  # lengths of the n-grams that are looked for
_DISTINCT = range(1, 5)
_LONGEST_CYCLE = 10  # words


@dataclass(frozen=True)
class Originality:
    """What samples are made of.

    - `copied`: for n = 4 … 12, the share of their n-grams that stand in the training part.
    - `longest_copy`: words of the longest run that stands there.
    - `distinct`: for n = 1 … 4, different n-grams per n-gram (distinct-n, Li et al. 2016).
    - `loops`: share of the samples that end in a loop: the same one to ten words three times on end.
    """

    copied: dict[int, float]
    longest_copy: int
    distinct: dict[int, float]
    loops: float


def examine(samples: list[list[int]], training: NDArray[Any]) -> Originality:
    """Compares samples with the text that the model has learnt from.

    **Arguments:**

    - `samples`: word ids of what the model has written, without the prompts.
    - `training`: word ids, shape `(words,)`.
    """
    runs = [_copied_runs(np.array(sample), training) for sample in samples]
    return Originality(
        copied={n: _share([(run[: len(run) - n + 1] >= n) for run in runs]) for n in _COPIED},
        longest_copy=max(int(run.max()) for run in runs),
        distinct={n: _distinct(samples, n) for n in _DISTINCT},
        loops=float(np.mean([_ends_in_loop(sample) for sample in samples])),
    )


def _copied_runs(sample: NDArray[np.int64], training: NDArray[Any]) -> NDArray[np.int64]:
    """For each word of a sample, how long the text goes on with it and what follows it, at best."""
    runs = np.zeros(len(sample), np.int64)
    for start in range(len(sample)):
        places = np.flatnonzero(training == sample[start])
        for word in sample[start + 1 :]:
            if not len(places):
                break
            runs[start] += 1
            places = places[places + 1 < len(training)] + 1
            places = places[training[places] == word]
        runs[start] += bool(len(places))
    return runs


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
