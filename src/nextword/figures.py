"""What predictions are worth: the rule of each figure, for training, evaluation and the device alike.

A figure says what a user gets. `<unk>` can be read but never written, so it is never an answer: it is left
out where words are ranked, and a word that the dictionary lacks is never predicted. Perplexity is the
field's, with `<unk>` as a word; it can only be compared where the share of unknown words is the same.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SUGGESTIONS = 3  # that a user of a keyboard sees
SEARCHED = 3_000  # words of a text that are searched for, where a model knows subwords
NEVER = np.iinfo(np.int64).max  # the rank of what is never an answer, however small the dictionary

_MOST_NATS = 700.0  # e to the power of more is beyond a float


@dataclass(frozen=True)
class Quality:
    """What predictions are worth over a text.

    - `accuracy`: share of the words that were held likeliest of all words that can be written.
    - `top_3_accuracy`: share that was among the three likeliest.
    - `loss`: mean of −ln P(next word), in nats.
    - `perplexity`: exp(loss): the number of equally likely words that would be as hard to guess.
    """

    accuracy: float
    top_3_accuracy: float
    loss: float
    perplexity: float


def perplexity(loss: float) -> float:
    """exp(`loss`), `loss` in nats a word; at most exp(700), so that it can be written down."""
    return math.exp(min(loss, _MOST_NATS))


def ranks(
    log_probabilities: NDArray[np.floating], next_words: NDArray[np.int64], unknown: int | None
) -> NDArray[np.int64]:
    """How many words were held likelier than the one that follows; equals count by id.

    **Arguments:**

    - `log_probabilities`: shape `(batch, dictionary)`; logits will do.
    - `next_words`: ids of the words that follow, shape `(batch,)`.
    - `unknown`: id of `<unk>`, which is never among the likelier ones.

    **Returns:** shape `(batch,)`; `NEVER` for a word that is `<unk>` itself.
    """
    rows = np.arange(len(next_words))
    own = log_probabilities[rows, next_words]
    found: NDArray[np.int64] = (log_probabilities > own[:, None]).sum(axis=1)
    not_below = (log_probabilities >= own[:, None]).sum(axis=1)
    for row in np.flatnonzero(not_below > found + 1):  # some are equal to the one that follows
        found[row] += (log_probabilities[row, : next_words[row]] == own[row]).sum()
    if unknown is not None:
        of_unknown = log_probabilities[:, unknown]
        found -= (of_unknown > own) | ((of_unknown == own) & (unknown < next_words))
        found[next_words == unknown] = NEVER
    return found


def likeliest(log_probabilities: NDArray[np.floating], unknown: int | None) -> NDArray[np.int64]:
    """The word that is held likeliest of those that can be written, the smallest id among equals.

    **Arguments:** as of `ranks`.

    **Returns:** ids, shape `(batch,)`.
    """
    found: NDArray[np.int64] = log_probabilities.argmax(axis=1)
    if unknown is not None:
        for row in np.flatnonzero(found == unknown):
            without = log_probabilities[row].copy()
            without[unknown] = -np.inf
            found[row] = without.argmax()
    return found
