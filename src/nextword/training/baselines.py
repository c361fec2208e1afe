"""What the network is compared with: models that only count, on the same windows."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nextword.training import batches
from nextword.training.batches import Windows
from nextword.training.evaluation import Predictions, judge

_BATCH = 256  # windows that are evaluated at once
_FALLBACK_DISCOUNT = 0.5


def most_frequent_word(ids: NDArray[Any], dictionary: int, windows: Windows) -> Predictions:
    """Predicts each word with its relative frequency in the text, whatever stands before it."""
    with np.errstate(divide="ignore"):
        frequencies = np.log(np.bincount(ids, minlength=dictionary) / len(ids))

    def parts() -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64]]]:
        for part in batches.in_order(len(windows), _BATCH):
            _, next_words = windows.take(part)
            yield np.broadcast_to(frequencies, (len(next_words), dictionary)), next_words

    return judge(parts())


class KneserNey:
    """Interpolated Kneser-Ney smoothing (Kneser & Ney 1995; Chen & Goodman 1998, section 2.7).

    For a history h of k − 1 words and h′, the same without its first word:

        P_k(w | h) = max(c(h w) − D_k, 0) / c(h ·) + D_k · N(h ·) / c(h ·) · P_{k−1}(w | h′)

    c counts occurrences in the highest order; in each lower order c(h w) is the number of
    different words before h w. N(h ·) is the number of different words after h. The discount is
    D_k = n₁ / (n₁ + 2 n₂), where n₁ and n₂ count the n-grams with c = 1 and c = 2, or one half
    where either is 0. P_0 is uniform. A history that was never seen leaves everything to h′.

    **Arguments:**

    - `ids`: the text that is counted, shape `(words,)`.
    - `order`: length of the longest n-gram, one more than the context.
    - `dictionary`: number of words.
    """

    def __init__(self, ids: NDArray[Any], order: int, dictionary: int) -> None:
        self._dictionary = dictionary
        # An n-gram is known by its row in the sorted table of its order, whose entries are
        # (row of its first k − 1 words) · dictionary + its last word. Rows with the same
        # history are therefore neighbours.
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
            # Each n-gram of the next order stands for one word before its last k words.
            np.bincount(rows[firsts + 1], minlength=len(table))
            for rows, firsts, table in zip(rows_by_order, firsts_by_order[1:], self._tables, strict=False)
        ]
        self._levels = [
            _Level(table, count, dictionary)
            for table, count in zip(self._tables, [*lower, counts], strict=True)
        ]

    def probabilities(self, histories: NDArray[Any]) -> NDArray[np.float64]:
        """The distribution of the next word after each history.

        **Arguments:**

        - `histories`: word ids, shape `(batch, order - 1)`.

        **Returns:** shape `(batch, dictionary)`; each row sums to 1.
        """
        batch, longest = histories.shape
        probabilities = np.full((batch, self._dictionary), 1 / self._dictionary)
        for k, level in enumerate(self._levels):
            level.refine(probabilities, self._rows(histories[:, longest - k :]))
        return probabilities

    def predict(self, windows: Windows) -> Predictions:
        """What this model predicts for each window."""
        parts = map(windows.take, batches.in_order(len(windows), _BATCH))
        with np.errstate(divide="ignore"):
            return judge((np.log(self.probabilities(contexts)), words) for contexts, words in parts)

    def _rows(self, histories: NDArray[Any]) -> NDArray[np.int64]:
        """The row of each history in the table of its order, −1 for one that was never seen."""
        rows = np.zeros(len(histories), np.int64)
        for table, words in zip(self._tables, histories.T, strict=False):
            keys = rows * self._dictionary + words
            found = np.searchsorted(table, keys)
            seen = (rows >= 0) & (table[np.minimum(found, len(table) - 1)] == keys)
            rows = np.where(seen, found, -1)
        return rows


class _Level:
    """The counts of one order, by history."""

    def __init__(self, table: NDArray[np.int64], counts: NDArray[np.int64], dictionary: int) -> None:
        once, twice = (counts == 1).sum(), (counts == 2).sum()
        discount = once / (once + 2 * twice) if once and twice else _FALLBACK_DISCOUNT
        table, counts = table[counts > 0], counts[counts > 0]
        self._words = table % dictionary
        self._histories, self._starts, self._lengths = np.unique(
            table // dictionary, return_index=True, return_counts=True
        )
        totals = np.add.reduceat(counts, self._starts)
        self._kept = (counts - discount) / np.repeat(totals, self._lengths)
        self._passed_on = discount * self._lengths / totals

    def refine(self, probabilities: NDArray[np.float64], histories: NDArray[np.int64]) -> None:
        """Turns, in place, probabilities of the order below into those of this order.

        **Arguments:**

        - `probabilities`: shape `(batch, dictionary)`.
        - `histories`: row of each history, shape `(batch,)`; −1 where it was never seen.
        """
        place = np.minimum(np.searchsorted(self._histories, histories), len(self._histories) - 1)
        seen = np.flatnonzero(self._histories[place] == histories)
        place = place[seen]
        probabilities[seen] *= self._passed_on[place, None]
        lengths = self._lengths[place]
        # Row numbers of all followers of all histories, one history after the other.
        offsets = np.arange(lengths.sum()) - np.repeat(lengths.cumsum() - lengths, lengths)
        followers = np.repeat(self._starts[place], lengths) + offsets
        probabilities[np.repeat(seen, lengths), self._words[followers]] += self._kept[followers]
