"""What a model learns from, step by step: windows for a fixed context, streams for an unbounded one.

The same as `nextword.train.data` gives to one process.
"""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from nextword.errors import TrainingError
from nextword.text import windows

NO_WORD = -1  # an id for a zero vector, for a cell without a state

_SHORTENED = 8  # one window in this many is read only in part, by a cell without a state


class Batch(NamedTuple):
    """What a step reads.

    - `ids`: shape `(batch, time)`.
    - `following`: the words that follow the last of them, `(batch, words)`.
    - `begins`: whether the state before it is zero.
    """

    ids: NDArray[np.int64]
    following: NDArray[np.int64]
    begins: bool


class Batches(Protocol):
    """A text cut into steps.

    **Attributes:** `interval`, the steps of an epoch.
    """

    interval: int

    def batch(self, step: int) -> Batch:
        """What a step reads; steps count from 0."""


def batches(
    ids: NDArray[np.int64], context: int | None, batch: int, words: int, seed: int, is_padded: bool
) -> Batches:
    """A text cut into steps.

    **Arguments:**

    - `ids`: of its words.
    - `context`: words that are read, or `None` for streams.
    - `batch`: windows of a step, or streams.
    - `words`: of each stream in a step.
    - `seed`: of the order.
    - `is_padded`: whether some windows are read only in part, because the cell has no state.

    **Raises:** `TrainingError` for a text that is too short.
    """
    least = batch * (2 * words + 1) if context is None else context + 1
    if len(ids) < least:
        found = "1 word" if len(ids) == 1 else f"{len(ids):,} words"
        raise TrainingError(f"the text has {found}; learning needs at least {least:,}")
    if context is None:
        return Streams(ids, batch, words, seed)
    return ShuffledWindows(ids, context, batch, seed, is_padded)


def in_order(ids: NDArray[np.int64], context: int | None, count: int) -> Iterator[Batch]:
    """All of a text in order: its windows, or without a context the text as one stream.

    **Arguments:**

    - `count`: windows or words per step.

    **Raises:** `TrainingError` for a text with no word to predict.
    """
    first = context or 1
    if len(ids) <= first:
        raise TrainingError(
            f"the text has {len(ids)} words, and none is left to predict after the first {first}"
        )
    if context is None:
        for start in range(0, len(ids) - 1, count):
            part = ids[None, start : start + count + 1]
            yield Batch(part[:, :-1], part[:, 1:], begins=start == 0)
        return
    found = windows.windows(ids, context)
    for place in windows.in_order(len(found), count):
        contexts, next_words = found.take(place)
        yield Batch(contexts, next_words[:, None], begins=True)


class ShuffledWindows:
    """Independent windows, in a new order each epoch."""

    def __init__(self, ids: NDArray[np.int64], context: int, batch: int, seed: int, is_padded: bool) -> None:
        self._windows = windows.windows(ids, context)
        self._batch, self._seed, self._is_padded = batch, seed, is_padded and context > 1
        self.interval = -(-len(self._windows) // batch)
        self._epoch, self._order = -1, np.zeros(0, np.int64)

    def batch(self, step: int) -> Batch:
        """The windows of a step."""
        epoch, place = divmod(step, self.interval)
        if epoch != self._epoch:
            random = np.random.default_rng([self._seed, epoch])
            self._epoch, self._order = epoch, random.permutation(len(self._windows))
        rows = self._order[place * self._batch : (place + 1) * self._batch]
        contexts, next_words = self._windows.take(rows)
        if self._is_padded:
            random = np.random.default_rng([self._seed, step, _SHORTENED])
            missing = random.integers(1, contexts.shape[1], len(rows))
            missing *= random.integers(_SHORTENED, size=len(rows)) == 0
            contexts[np.arange(contexts.shape[1]) < missing[:, None]] = NO_WORD
        return Batch(contexts, next_words[:, None], begins=True)


class Streams:
    """The text as contiguous streams side by side, whose state is carried from step to step."""

    def __init__(self, ids: NDArray[np.int64], batch: int, words: int, seed: int) -> None:
        length = len(ids) // batch
        self._words, self._seed = words, seed
        self._streams = ids[: batch * length].reshape(batch, length)
        self.interval = (length - words) // words  # wherever an epoch begins

    def batch(self, step: int) -> Batch:
        """The words of each stream that a step reads."""
        epoch, place = divmod(step, self.interval)
        offset = int(np.random.default_rng([self._seed, epoch]).integers(self._words))
        start = offset + place * self._words
        end = start + self._words
        return Batch(self._streams[:, start:end], self._streams[:, start + 1 : end + 1], begins=place == 0)
