"""Beginnings of words as nodes of a tree, and what may follow them, where a model knows subwords."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.runtime.entries import Entries
from nextword.runtime.reader import Reader
from nextword.text.subwords import Surfaces

_MOST = 64  # children of a node that are considered

Path = tuple[int, ...]


class Node(NamedTuple):
    """A beginning of a word.

    - `path`: the ids of its subwords.
    - `surface`: its letters.
    - `log_probability`: of the beginning, in nats.
    - `before`: a reader that has read all but the last subword, and the place of this text in its batch.
    """

    path: Path
    surface: str
    log_probability: float
    before: tuple[Reader, int]


class Continuation(NamedTuple):
    """What follows a beginning of a word.

    - `log_probabilities`: of the next subword, float32 `(dictionary,)`.
    - `end`: ln P(a new word begins).
    - `after`: a reader that has read the beginning, and the place of this text in its batch.
    """

    log_probabilities: NDArray[np.float32]
    end: float
    after: tuple[Reader, int]


class FoundWord(NamedTuple):
    """A word that may come next.

    - `word`: its letters.
    - `path`: the ids of its subwords, with or without a blank before it, whichever is likelier.
    - `log_probability`: of the word ending there, with or without a blank, in nats.
    """

    word: str
    path: Path
    log_probability: float


class Children(NamedTuple):
    """The likeliest children of a node, by falling probability given the node, equals by rising id.

    - `open`: ids and log-probabilities of those that may go on.
    - `whole`: the same of those that are whole words.
    - `typed`: ln P(the next entry covers the rest of what was typed).
    """

    open: list[tuple[int, float]]
    whole: list[tuple[int, float]]
    typed: float

    @classmethod
    def of(cls, entries: Entries, following: Surfaces, rest: str, values: NDArray[np.float32]) -> "Children":
        """The children of a node.

        **Arguments:**

        - `following`: the entries that may follow.
        - `rest`: the typed letters not yet covered; only entries that agree with them count.
        - `values`: ln P of each entry after the node, `(dictionary,)`.
        """
        covering, shorter = following.agreeing(rest)
        ids = np.concatenate([covering, shorter]) if rest else covering
        own = values[ids]
        typed = math.log(max(float(np.exp(own[: len(covering)]).sum()), 1e-38)) if rest else 0.0
        if len(ids) > _MOST:
            best = np.argpartition(own, -_MOST)[-_MOST:]
            ids, own = ids[best], own[best]
        order = np.lexsort((ids, -own))
        ids, own = ids[order], own[order]
        is_whole = entries.is_whole[ids]
        return cls(_pairs(ids[~is_whole], own[~is_whole]), _pairs(ids[is_whole], own[is_whole]), typed)


def _pairs(ids: NDArray[np.int64], values: NDArray[np.float32]) -> list[tuple[int, float]]:
    return list(zip(ids.tolist(), values.tolist(), strict=True))
