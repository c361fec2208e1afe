"""Logits → a word id. All functions take logits of shape `(dictionary,)` or `(batch, dictionary)`."""

import numpy as np
from numpy.typing import NDArray


def log_softmax(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log-probabilities in nats, in float64 whatever the type of the logits."""
    shifted: NDArray[np.float64] = logits.astype(np.float64)
    shifted -= shifted.max(axis=-1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return shifted


def ban(logits: NDArray[np.floating], id: int | None) -> NDArray[np.floating]:
    """The logits with the word `id` made impossible; `None` bans nothing."""
    if id is None:
        return logits
    banned = logits.copy()
    banned[..., id] = -np.inf
    return banned


def greedy(logits: NDArray[np.floating]) -> int:
    """The id of the likeliest word; the smallest id among equals. `logits`: `(dictionary,)`."""
    return int(np.argmax(logits))


def likeliest(logits: NDArray[np.floating], n: int) -> list[tuple[int, float]]:
    """The `n` likeliest words, best first.

    **Arguments:**

    - `logits`: shape `(dictionary,)`.
    - `n`: how many; at most the dictionary's size.

    **Returns:** pairs of id and probability.
    """
    log_probabilities = log_softmax(logits)
    # Only the n best are sorted, so that a large dictionary costs one pass.
    candidates = np.argpartition(-log_probabilities, n - 1)[:n]
    order = np.lexsort((candidates, -log_probabilities[candidates]))
    return [(int(id), float(np.exp(log_probabilities[id]))) for id in candidates[order]]
