"""How good predictions are: the definition of each figure, for training, evaluation and the device alike.

A figure says what a user gets. `<unk>` can be read but never written, so it is never an answer: it is left
out of rankings, and a word that the dictionary lacks is never predicted. Perplexity is defined as usual,
with `<unk>` as a word; it can be compared only between texts with the same share of unknown words.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SUGGESTIONS = 3  # shown to the user of a keyboard
SEARCHED = 2_000  # words of a text that are searched for, if a model knows subwords
NEVER = np.iinfo(np.int64).max  # the rank of a word that is never an answer

_MOST_NATS = 700.0  # exp of more overflows a float


@dataclass(frozen=True)
class Quality:
    """How good predictions are over a text.

    - `accuracy`: share of the words that were the likeliest of all words that can be written.
    - `top_3_accuracy`: share that were among the three likeliest.
    - `loss`: mean of −ln P(next word), in nats.
    - `perplexity`: exp(loss): the number of equally likely words that would be as hard to guess.
    """

    accuracy: float
    top_3_accuracy: float
    loss: float
    perplexity: float


def perplexity(loss: float) -> float:
    """exp(`loss`), with `loss` in nats per word; at most exp(700), so that it stays finite."""
    return math.exp(min(loss, _MOST_NATS))


def ranks(
    log_probabilities: NDArray[np.floating], next_words: NDArray[np.int64], unknown: int | None
) -> NDArray[np.int64]:
    """How many words were predicted to be likelier than the next word; ties are broken by id.

    **Arguments:**

    - `log_probabilities`: shape `(batch, dictionary)`; logits will do.
    - `next_words`: ids of the next words, shape `(batch,)`.
    - `unknown`: id of `<unk>`, which never counts as likelier.

    **Returns:** shape `(batch,)`; `NEVER` for a word that is `<unk>` itself.
    """
    rows = np.arange(len(next_words))
    own = log_probabilities[rows, next_words]
    found: NDArray[np.int64] = (log_probabilities > own[:, None]).sum(axis=1)
    not_below = (log_probabilities >= own[:, None]).sum(axis=1)
    for row in np.flatnonzero(not_below > found + 1):  # some tie with the next word
        found[row] += (log_probabilities[row, : next_words[row]] == own[row]).sum()
    if unknown is not None:
        of_unknown = log_probabilities[:, unknown]
        found -= (of_unknown > own) | ((of_unknown == own) & (unknown < next_words))
        found[next_words == unknown] = NEVER
    return found


def likeliest(log_probabilities: NDArray[np.floating], unknown: int | None) -> NDArray[np.int64]:
    """The likeliest of the words that can be written; the smallest id among ties.

    **Arguments:** as for `ranks`.

    **Returns:** ids, shape `(batch,)`.
    """
    found: NDArray[np.int64] = log_probabilities.argmax(axis=1)
    if unknown is not None:
        for row in np.flatnonzero(found == unknown):
            without = log_probabilities[row].copy()
            without[unknown] = -np.inf
            found[row] = without.argmax()
    return found
