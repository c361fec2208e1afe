"""What needs no network: the most frequent word, and mixtures of a network with counts."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword.model.predictions import BATCH, Part, Predictions, judge
from nextword.text import windows


def most_frequent_word(
    frequencies: NDArray[np.float64], next_words: NDArray[Any], unknown: int | None
) -> Predictions:
    """Predicts each word with its share of the training part, whatever comes before it.

    **Arguments:**

    - `frequencies`: the share of each word, above 0, shape `(dictionary,)`.
    - `next_words`: ids of the words that are predicted, shape `(words,)`.
    - `unknown`: id of `<unk>`, which is never an answer.
    """
    shares = np.log(frequencies)

    def parts() -> Iterator[Part]:
        for part in windows.in_order(len(next_words), BATCH):
            words = next_words[part].astype(np.int64)
            yield np.broadcast_to(shares, (len(words), len(shares))), words

    return judge(parts(), unknown)


def mixture(network: Predictions, counted: Predictions, weight: float) -> float:
    """The loss in nats of a network and of a model that counts, mixed.

    **Arguments:**

    - `weight`: of the network's probabilities.
    """
    mixed = weight * np.exp(network.log_probability) + (1 - weight) * np.exp(counted.log_probability)
    return float(-np.log(mixed).mean())


def best_weight(network: Predictions, counted: Predictions) -> float:
    """The network's weight that gives the lowest loss, in steps of 0.05."""
    return float(min(np.linspace(0.05, 0.95, 19), key=lambda weight: mixture(network, counted, weight)))
