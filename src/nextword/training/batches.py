"""Word ids → windows: `context` words and the word that follows them."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword.errors import CorpusError


@dataclass(frozen=True)
class Windows:
    """All windows of a text, in its order; both arrays are views of the text's ids.

    - `contexts`: shape `(windows, context)`.
    - `next_words`: shape `(windows,)`.
    """

    contexts: NDArray[Any]
    next_words: NDArray[Any]

    def __len__(self) -> int:
        return len(self.next_words)

    def take(self, indices: NDArray[np.int64] | slice) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Contexts `(batch, context)` and next words `(batch,)` of some windows, as int64."""
        return self.contexts[indices].astype(np.int64), self.next_words[indices].astype(np.int64)


def windows(ids: NDArray[Any], context: int) -> Windows:
    """Every window of a text.

    **Arguments:**

    - `ids`: word ids, shape `(words,)`.
    - `context`: words that are read to predict the next one.

    **Raises:** `CorpusError` for a text without a single window.
    """
    if len(ids) <= context:
        raise CorpusError(
            f"the text has {len(ids)} words, but train.context is {context} and one more word has to "
            "follow; take a longer text or a smaller context"
        )
    contexts = np.lib.stride_tricks.sliding_window_view(ids, context)[:-1]
    return Windows(contexts, ids[context:])


def in_order(count: int, batch: int) -> Iterator[slice]:
    """Slices of at most `batch` that cover `count` windows in order."""
    return (slice(start, min(start + batch, count)) for start in range(0, count, batch))


def per_epoch(count: int, batch: int) -> int:
    """Number of batches that cover `count` windows once."""
    return -(-count // batch)


def shuffled(count: int, batch: int, seed: int, start: int = 0) -> Iterator[NDArray[np.int64]]:
    """Endless batches of window indices, each epoch in a random order of its own.

    The order turns on `seed` and the number of the epoch alone, so that a run that was stopped
    goes on as if it never had been.

    **Arguments:**

    - `start`: number of batches that were taken before.
    """
    first_epoch, skipped = divmod(start, per_epoch(count, batch))
    for epoch in itertools.count(first_epoch):
        order = np.random.default_rng([seed, epoch]).permutation(count)
        for part in itertools.islice(in_order(count, batch), skipped, None):
            yield order[part]
        skipped = 0
