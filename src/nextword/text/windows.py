"""Windows of a text: a context and the word that follows it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword.errors import CorpusError
from nextword.text.dictionary import amount


@dataclass(frozen=True)
class Windows:
    """All windows of a text, in order; both arrays are views of the text's ids.

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
        """At most `count` of the windows, evenly spaced."""
        return self.chosen(np.linspace(0, len(self) - 1, min(count, len(self))).round().astype(np.int64))

    def chosen(self, indices: NDArray[np.int64]) -> "Windows":
        """The windows with these indices."""
        return Windows(self.contexts[indices], self.next_words[indices])


def windows(ids: NDArray[Any], context: int, unit: str = "words") -> Windows:
    """Every window of a text.

    **Arguments:**

    - `ids`: word ids, shape `(words,)`.
    - `context`: the number of words read to predict the next one.
    - `unit`: what the ids stand for, `words` or `subwords`.

    **Raises:** `CorpusError` for a text without a single window.
    """
    if len(ids) <= context:
        raise CorpusError(
            f"the text has {amount(len(ids), unit)}, but train.context is {context} and one more "
            f"{unit.removesuffix('s')} has to follow; use a longer text or a smaller context"
        )
    contexts = np.lib.stride_tricks.sliding_window_view(ids, context)[:-1]
    return Windows(contexts, ids[context:])


def in_order(count: int, batch: int) -> Iterator[slice]:
    """Slices of at most `batch` that cover `count` windows in order."""
    return (slice(start, min(start + batch, count)) for start in range(0, count, batch))
