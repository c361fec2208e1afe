"""Where predictions are good and where they are not: by confidence, by frequency, by position."""

import itertools
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword import figures
from nextword.model.predictions import Predictions

_CONFIDENCES = np.linspace(0, 1, 11)
_PLACES = [1, 2, 3, 4, 5, 6, 8, 11, 16, 21, 31, 51, 101, 1001]


class Confidence(NamedTuple):
    """Predictions of about equal confidence in their likeliest word.

    - `expected`: the mean probability of that word.
    - `accuracy`: how often it was the right one.
    - `words`: the number of these predictions.
    """

    expected: float
    accuracy: float
    words: int


class Group(NamedTuple):
    """Words that have something in common.

    - `name`: a range, for example `10–99`.
    - `words`: how many there are.
    - `perplexity`: exp of the mean of −ln P.
    """

    name: str
    words: int
    perplexity: float


def by_confidence(predictions: Predictions) -> list[Confidence]:
    """The reliability diagram: the non-empty ones of ten bins of equal width, by ascending confidence."""
    confidence = np.exp(predictions.likeliest_log_probability)
    right = predictions.rank == 0
    bins = np.clip(np.digitize(confidence, _CONFIDENCES) - 1, 0, len(_CONFIDENCES) - 2)
    return [
        Confidence(float(confidence[own].mean()), float(right[own].mean()), int(own.sum()))
        for own in (bins == number for number in range(len(_CONFIDENCES) - 1))
        if own.any()
    ]


def calibration_error(predictions: Predictions) -> float:
    """The expected calibration error (Guo et al. 2017): the mean gap between accuracy and confidence."""
    bins = by_confidence(predictions)
    return sum(abs(one.accuracy - one.expected) * one.words for one in bins) / sum(one.words for one in bins)


def by_frequency(
    predictions: Predictions, words: NDArray[np.int64], frequencies: NDArray[np.int64]
) -> list[Group]:
    """The perplexity of words by how often they occur in the training part, in powers of ten.

    **Arguments:**

    - `words`: the predicted words, shape `(words,)`.
    - `frequencies`: how often each word occurs in the training part, shape `(dictionary,)`.
    """
    own = frequencies[words]
    bounds = [0, *(10**power for power in range(len(str(int(frequencies.max()))) + 1))]
    return list(_groups(predictions, own, bounds))


def by_place(predictions: Predictions, places: NDArray[np.int64]) -> list[Group]:
    """The perplexity of words by their position in the line or in the text, from 1.

    **Arguments:**

    - `places`: the positions of the predicted words, shape `(words,)`.
    """
    return list(_groups(predictions, places, [*_PLACES, int(max(places.max() + 1, _PLACES[-1] + 1))]))


def places_in_lines(ids: NDArray[np.int64], line_end: int | None) -> NDArray[np.int64]:
    """The position of each word in its line, or in the whole text if there are no line ends, from 1."""
    places = np.arange(1, len(ids) + 1)
    if line_end is None:
        return places
    starts = np.concatenate([[0], np.flatnonzero(ids == line_end) + 1])
    begun = starts[np.searchsorted(starts, np.arange(len(ids)), side="right") - 1]
    in_lines: NDArray[np.int64] = places - begun
    return in_lines


def _groups(predictions: Predictions, values: NDArray[np.int64], bounds: list[int]) -> Iterator[Group]:
    for low, high in itertools.pairwise(bounds):
        own = (values >= low) & (values < high)
        if own.any():
            name = f"{low:,}" if high == low + 1 else f"{low:,}–{high - 1:,}"
            loss = float(-predictions.log_probability[own].mean())
            yield Group(name, int(own.sum()), figures.perplexity(loss))
