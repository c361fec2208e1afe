"""Word ids → windows (a context and the word that follows), or streams (truncated BPTT)."""

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

    def some(self, count: int) -> "Windows":
        """At most so many of the windows, at equal distances."""
        chosen = np.linspace(0, len(self) - 1, min(count, len(self))).round().astype(np.int64)
        return Windows(self.contexts[chosen], self.next_words[chosen])


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


def streams(ids: NDArray[Any], batch: int, words_per_step: int) -> NDArray[Any]:
    """A text in `batch` equal parts side by side, each in the order of the text.

    **Returns:** shape `(batch, words)`; the last few words that do not fill a row are left out.

    **Raises:** `CorpusError` for a text too short for a single step.
    """
    length = len(ids) // batch
    if length < 2 * words_per_step + 1:
        raise CorpusError(
            f"the text has {len(ids)} words, too few for {batch} streams of {words_per_step} words a step; "
            "lower train.batch or train.words_per_step, or take a longer text"
        )
    return ids[: batch * length].reshape(batch, length)


def stream_step(
    text: NDArray[Any], words_per_step: int, seed: int, step: int
) -> tuple[NDArray[np.int64], NDArray[np.int64], bool]:
    """The part of the streams that a step reads.

    Each epoch begins at another word, so that the steps cut the text elsewhere.

    **Arguments:**

    - `text`: what `streams` gave, shape `(batch, words)`.
    - `step`: number of the step, from 0.

    **Returns:** ids and the words that follow each, both `(batch, words_per_step)`, and whether the
    streams begin anew with this step.
    """
    epoch, place = divmod(step, steps_per_epoch(text, words_per_step))
    offset = int(np.random.default_rng([seed, epoch]).integers(words_per_step))
    start = offset + place * words_per_step
    end = start + words_per_step
    return text[:, start:end].astype(np.int64), text[:, start + 1 : end + 1].astype(np.int64), place == 0


def steps_per_epoch(text: NDArray[Any], words_per_step: int) -> int:
    """Steps that read the streams once, wherever they begin."""
    return int(text.shape[1] - words_per_step) // words_per_step
