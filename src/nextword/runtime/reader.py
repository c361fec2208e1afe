"""What a model has read so far, and what it expects next."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.runtime.model_file import ModelFile, State

_WORDS = 1024  # read at once: more take more memory and are no faster
_WINDOWS = 256  # windows of a fixed context that are read at once


class Expected(NamedTuple):
    """What a model expects after each of some texts.

    - `logits`: of the next word, shape `(batch, dictionary)`.
    - `hidden`: the last layer's hidden state, shape `(batch, hidden)`.
    """

    logits: NDArray[np.float32]
    hidden: NDArray[np.float32]


class Reader:
    """Reads texts of equal length side by side, a few words at a time.

    Where the model's context is a number, exactly so many of the last words are read again, from
    the zero state; fewer if there are no more. Where it is `None`, the state is carried.

    **Attributes:** `last`, the words that a fixed context reads again, `(batch, context)`, and
    `state`, the one that is carried. Nothing in them is ever changed in place, so both can be kept
    and put back.
    """

    def __init__(self, model: ModelFile, batch: int = 1) -> None:
        self._model = model
        self.last = np.zeros((batch, 0), np.int64)
        self.state: State | None = None

    def read(self, ids: NDArray[np.int64]) -> Expected:
        """Reads more words.

        **Arguments:**

        - `ids`: shape `(batch, time)`.
        """
        context = self._model.metadata.context
        if context is not None:
            self.last = np.concatenate([self.last, ids], axis=1)[:, -context:]
            logits, (hidden, _) = self._model.run(self.last)
            return Expected(logits, hidden[-1])
        for start in range(0, ids.shape[1], _WORDS):
            logits, self.state = self._model.run(ids[:, start : start + _WORDS], self.state)
        assert self.state
        return Expected(logits, self.state[0][-1])

    def select(self, texts: NDArray[np.int64]) -> None:
        """Goes on with the texts at these places of the batch: fewer, more, or the same one often."""
        self.last = self.last[texts]
        if self.state:
            hidden, cell = self.state
            self.state = hidden[:, texts], cell[:, texts]


def after_each_context(model: ModelFile, ids: Iterable[int]) -> Iterator[tuple[Expected, NDArray[np.int64]]]:
    """Reads one text of any length.

    **Returns:** an iterator over what the model expects after each context, and the ids that
    follow, `(batch,)`, in order. With an unbounded context that is after each word.
    """
    context = model.metadata.context
    ids = iter(ids)
    if context is None:
        reader = Reader(model)
        id = next(ids, None)
        for following in ids:
            yield reader.read(np.array([[id]])), np.array([following])
            id = following
        return
    text = list(islice(ids, context))
    while more := list(islice(ids, _WINDOWS)):
        text = text[-context:] + more
        if len(text) <= context:
            return
        windows = np.lib.stride_tricks.sliding_window_view(np.array(text[:-1]), context)
        logits, (hidden, _) = model.run(windows)
        yield Expected(logits, hidden[-1]), np.array(text[context:])
