"""Kneser-Ney: a model that only counts, as a baseline for the network."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword.model.predictions import BATCH, Part, Predictions, judge
from nextword.text import windows
from nextword.text.windows import Windows

_FALLBACK_DISCOUNTS = (0.0, 0.5, 1.0, 1.5)


class KneserNey:
    """Interpolated modified Kneser-Ney smoothing (Chen & Goodman 1998, sections 2.7 and 3).

    For a history h of k − 1 words, and h′, the same history without its first word:

        P_k(w | h) = (c(h w) − D_k(c(h w))) / c(h ·) + γ(h) · P_{k−1}(w | h′)
        γ(h)       = (D_k(1) N₁(h ·) + D_k(2) N₂(h ·) + D_k(3) N₃₊(h ·)) / c(h ·)

    c counts occurrences in the highest order; in each lower order c(h w) is the number of
    distinct words before h w. N₁, N₂ and N₃₊ are the numbers of words that follow h with a c of 1,
    of 2, and of more. With n₁ … n₄ the numbers of n-grams with c = 1 … 4 and
    Y = n₁ / (n₁ + 2 n₂), the discounts are

        D_k(1) = 1 − 2 Y n₂ / n₁,  D_k(2) = 2 − 3 Y n₃ / n₂,  D_k(3 and more) = 3 − 4 Y n₄ / n₃,

    or 0.5, 1 and 1.5 if one of these n is 0 or a discount is not above 0. P_0 is uniform. A history
    that was never seen leaves everything to h′.

    **Arguments:**

    - `ids`: the text to count, shape `(words,)`.
    - `order`: length of the longest n-gram, one more than the context.
    - `dictionary`: number of words in the dictionary.

    **Attributes:** `order`.
    """

    def __init__(self, ids: NDArray[Any], order: int, dictionary: int) -> None:
        self._dictionary, self.order = dictionary, order
        # An n-gram is identified by its row in the sorted table of its order, whose entries are
        # (row of its first k − 1 words) · dictionary + its last word. Rows with the same
        # history are therefore adjacent.
        self._tables: list[NDArray[np.int64]] = []
        rows = np.zeros(len(ids) + 1, np.int64)  # row of the n-gram that starts at each word
        rows_by_order, firsts_by_order, counts = [], [], np.zeros(0, np.int64)
        for k in range(1, order + 1):
            keys = rows[: len(ids) - k + 1] * dictionary + ids[k - 1 :]
            table, firsts, rows, counts = np.unique(
                keys, return_index=True, return_inverse=True, return_counts=True
            )
            self._tables.append(table)
            rows_by_order.append(rows)
            firsts_by_order.append(firsts)
        lower = [
            # Each n-gram of the next order counts as one word before its last k words.
            np.bincount(rows[firsts + 1], minlength=len(table))
            for rows, firsts, table in zip(rows_by_order, firsts_by_order[1:], self._tables, strict=False)
        ]
        self._levels = [
            _Level(table, count, dictionary)
            for table, count in zip(self._tables, [*lower, counts], strict=True)
        ]
        self._unigram = self._first_order()

    def probabilities(self, histories: NDArray[Any]) -> NDArray[np.float64]:
        """The distribution of the next word after each history.

        **Arguments:**

        - `histories`: word ids, shape `(batch, order - 1)`; −1 before the beginning of the text.

        **Returns:** shape `(batch, dictionary)`; each row sums to 1.
        """
        batch, longest = histories.shape
        probabilities, left = np.zeros((batch, self._dictionary)), np.ones(batch)
        for k in range(longest, 0, -1):
            self._levels[k].add(probabilities, left, self._rows(histories[:, longest - k :]))
        probabilities += left[:, None] * self._unigram
        return probabilities

    def _first_order(self) -> NDArray[np.float64]:
        """P_1, shape `(dictionary,)`."""
        probabilities, left = np.zeros((1, self._dictionary)), np.ones(1)
        self._levels[0].add(probabilities, left, np.zeros(1, np.int64))
        row: NDArray[np.float64] = probabilities[0] + left / self._dictionary
        return row

    def predict(self, ids: NDArray[Any], first: int, unknown: int | None) -> Predictions:
        """The predictions of this model for the words of a text.

        **Arguments:**

        - `ids`: the text, shape `(words,)`.
        - `first`: the number of the first predicted word, from 0.
        - `unknown`: id of `<unk>`, which is never an answer.
        """
        return judge(self.parts(ids, first), unknown)

    def parts(self, ids: NDArray[Any], first: int) -> Iterator[Part]:
        """The distributions that it predicts for the words of a text; arguments as for `predict`."""
        before = self.order - 1
        padded = np.concatenate([np.full(max(0, before - first), -1), ids.astype(np.int64)])
        padded = padded[max(0, first - before) :]
        text = (
            windows.windows(padded, before)
            if before
            else Windows(np.zeros((len(padded), 0), np.int64), padded)
        )
        for contexts, words in map(text.take, windows.in_order(len(text), BATCH)):
            yield self.log_probabilities(contexts), words

    def log_probabilities(self, histories: NDArray[Any]) -> NDArray[np.float64]:
        """The logarithm of `probabilities`, in nats."""
        with np.errstate(divide="ignore"):
            found: NDArray[np.float64] = np.log(self.probabilities(histories))
        return found

    def _rows(self, histories: NDArray[Any]) -> NDArray[np.int64]:
        """The row of each history in the table of its order; −1 for one that was never seen."""
        rows = np.zeros(len(histories), np.int64)
        for table, words in zip(self._tables, histories.T, strict=False):
            keys = rows * self._dictionary + words
            found = np.searchsorted(table, keys)
            seen = (rows >= 0) & (words >= 0) & (table[np.minimum(found, len(table) - 1)] == keys)
            rows = np.where(seen, found, -1)
        return rows


class _Level:
    """The counts of one order, by history."""

    def __init__(self, table: NDArray[np.int64], counts: NDArray[np.int64], dictionary: int) -> None:
        table, counts = table[counts > 0], counts[counts > 0]
        discounts = _discounts(counts)[np.minimum(counts, 3)]
        self._words = table % dictionary
        self._histories, self._starts, self._lengths = np.unique(
            table // dictionary, return_index=True, return_counts=True
        )
        totals = np.add.reduceat(counts, self._starts)
        self._kept = (counts - discounts) / np.repeat(totals, self._lengths)
        self._passed_on = np.add.reduceat(discounts, self._starts) / totals

    def add(
        self,
        probabilities: NDArray[np.float64],
        left: NDArray[np.float64],
        histories: NDArray[np.int64],
    ) -> None:
        """Adds, in place, the share of this order to the probabilities of the next words.

        **Arguments:**

        - `probabilities`: shape `(batch, dictionary)`.
        - `left`: the probability left by the higher orders, shape `(batch,)`; becomes what this order
          leaves to the lower ones.
        - `histories`: row of each history, shape `(batch,)`; −1 where it was never seen.
        """
        place = np.minimum(np.searchsorted(self._histories, histories), len(self._histories) - 1)
        seen = np.flatnonzero(self._histories[place] == histories)
        place = place[seen]
        lengths = self._lengths[place]
        # Row numbers of all words that follow each history, one history after the other.
        offsets = np.arange(lengths.sum()) - np.repeat(lengths.cumsum() - lengths, lengths)
        followers = np.repeat(self._starts[place], lengths) + offsets
        given = np.repeat(left[seen], lengths) * self._kept[followers]
        probabilities[np.repeat(seen, lengths), self._words[followers]] += given
        left[seen] *= self._passed_on[place]


def _discounts(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The amount subtracted from a count of 0, 1, 2, and 3 or more."""
    n = np.bincount(np.minimum(counts, 5), minlength=5).astype(float)
    fallback = np.array(_FALLBACK_DISCOUNTS)
    if not n[1:5].all():
        return fallback
    y = n[1] / (n[1] + 2 * n[2])
    found = np.array([0.0] + [c - (c + 1) * y * n[c + 1] / n[c] for c in (1, 2, 3)])
    return found if (found[1:] > 0).all() else fallback
