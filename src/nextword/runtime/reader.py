"""What a model has read so far, and what it expects next."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice, pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from nextword.runtime.model_file import ModelFile, State, Step

Note = Callable[[int, State | None], None]  # takes the word to be read next, and the state before it

_WORDS = 1024  # read at once: more take more memory and are no faster
_WINDOWS = 256  # windows of a fixed context that are read at once


class Model(Protocol):
    """Anything that reads ids as a `ModelFile` does."""

    @property
    def context(self) -> int | None:
        """How many words it reads; `None` if it carries a state."""

    @property
    def axes(self) -> Mapping[str, int]:
        """The batch axis of each part of the state."""

    def run(self, ids: NDArray[np.int64], state: State | None = None) -> Step:
        """Reads words, as `ModelFile.run`."""


class Reader:
    """Reads texts of equal length side by side, a few words at a time.

    Where the model's context is a number, exactly that many of the last words are read again, from
    the zero state; fewer if there are no more. Where it is `None`, the state is carried.

    **Attributes:** `last`, the words that a fixed context reads again, `(batch, context)`, and
    `state`, the carried one. They are never changed in place, so both can be kept and restored.
    """

    def __init__(self, model: Model, batch: int = 1) -> None:
        self._model = model
        self.last = np.zeros((batch, 0), np.int64)
        self.state: State | None = None

    def read(self, ids: NDArray[np.int64]) -> Step:
        """Reads more words; a carried state is returned too.

        **Arguments:**

        - `ids`: shape `(batch, time)`.
        """
        context = self._model.context
        if context is not None:
            self.last = np.concatenate([self.last, ids], axis=1)[:, -context:]
            return self._model.run(self.last)._replace(state={})
        for start in range(0, ids.shape[1], _WORDS):
            found = self._model.run(ids[:, start : start + _WORDS], self.state)
            self.state = found.state
        return found

    def select(self, texts: NDArray[np.int64]) -> None:
        """Continues with the texts at these places of the batch: fewer, more, or one several times."""
        self.last = self.last[texts]
        if self.state:
            axes = self._model.axes
            self.state = {name: np.take(part, texts, axes[name]) for name, part in self.state.items()}

    @classmethod
    def gathered(cls, model: Model, texts: Sequence[tuple["Reader", int]]) -> "Reader":
        """Continues with some texts of several readers, each given by its place in a reader's batch.

        **Arguments:**

        - `texts`: of the same length where a fixed context is not yet full.
        """
        found = cls(model, len(texts))
        found.last = np.stack([reader.last[place] for reader, place in texts])
        if texts[0][0].state:
            found.state = {
                name: np.stack(
                    [(reader.state or {})[name].take(place, axis) for reader, place in texts], axis
                )
                for name, axis in model.axes.items()
            }
        return found


def after_each_context(
    model: ModelFile, ids: Iterable[int], note: Note | None = None
) -> Iterator[tuple[Step, NDArray[np.int64]]]:
    """Reads one text of any length.

    **Arguments:**

    - `note`: if given, words are read one by one, and it is called before each.

    **Returns:** an iterator over what the model expects after each context, and the ids that
    follow, `(batch,)`, in order. With an unbounded context, this is after each word.
    """
    context = model.metadata.context
    ids = iter(ids)
    if context is None or note:
        reader = Reader(model)
        for place, (id, following) in enumerate(pairwise(ids), start=1):
            if note:
                note(id, reader.state)
            expected = reader.read(np.array([[id]]))
            if place >= (context or 1):
                yield expected, np.array([following])
        return
    text = list(islice(ids, context))
    while more := list(islice(ids, _WINDOWS)):
        text = text[-context:] + more
        if len(text) <= context:
            return
        windows = np.lib.stride_tricks.sliding_window_view(np.array(text[:-1]), context)
        yield model.run(windows), np.array(text[context:])
