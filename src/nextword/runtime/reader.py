"""What a model has read so far, and what it expects next."""

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from nextword.runtime.model_file import ModelFile, State, Step

_WORDS = 1024  # read at once: more take more memory and are no faster
_WINDOWS = 256  # windows of a fixed context that are read at once


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

    def read(self, ids: NDArray[np.int64]) -> Step:
        """Reads more words; where a state is carried, it comes back too.

        **Arguments:**

        - `ids`: shape `(batch, time)`.
        """
        context = self._model.metadata.context
        if context is not None:
            self.last = np.concatenate([self.last, ids], axis=1)[:, -context:]
            return self._model.run(self.last)._replace(state={})
        for start in range(0, ids.shape[1], _WORDS):
            found = self._model.run(ids[:, start : start + _WORDS], self.state)
            self.state = found.state
        return found

    def select(self, texts: NDArray[np.int64]) -> None:
        """Goes on with the texts at these places of the batch: fewer, more, or the same one often."""
        self.last = self.last[texts]
        if self.state:
            parts = self._model.states
            self.state = {name: np.take(part, texts, parts[name].axis) for name, part in self.state.items()}


def after_each_context(model: ModelFile, ids: Iterable[int]) -> Iterator[tuple[Step, NDArray[np.int64]]]:
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
        yield model.run(windows), np.array(text[context:])
