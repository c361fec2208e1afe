"""The words that may come next, where a model knows subwords: a tree of beginnings, searched best first.

A node is the beginning of a word, a path of subwords. Its children are the subwords that may follow it; the
word ends there with the probability that a new word begins after it. Bytes are read but never written, like
`<unk>`, so no path has one.
"""

import math
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from nextword.runtime import draw
from nextword.runtime.cache import NeuralCache
from nextword.runtime.entries import MOST_SUBWORDS, Entries
from nextword.runtime.reader import Model, Reader
from nextword.runtime.word_nodes import Children, Continuation, FoundWord, Node, Path
from nextword.runtime.word_search import Search
from nextword.text.subwords import Surfaces

__all__ = ["MOST_SUBWORDS", "Continuation", "Entries", "FoundWord", "Node", "Path", "WordTree"]

_AT_ONCE, _MOST_AT_ONCE = 8, 64  # nodes that one run of the model expands
_RUNS = 10  # least runs of the model in one search
_FOR_A_RUN = 16  # requested words per additional run
_REMEMBERED = 1024  # expanded nodes kept


class WordTree:
    """The words that may follow a text.

    **Arguments:**

    - `model`: what reads subwords.
    - `entries`: of its dictionary.
    - `reader`: has read the text and nothing else.
    - `logits`: after the text, `(dictionary,)`; log-probabilities will do.
    - `cache`: mixed into what is expected later in the word; `logits` are taken as they are.
    - `bias`: added to the logits later in the word, float32 `(dictionary,)`.
    """

    def __init__(
        self,
        model: Model,
        entries: Entries,
        reader: Reader,
        logits: NDArray[np.floating],
        cache: NeuralCache | None = None,
        bias: NDArray[np.float32] | None = None,
    ) -> None:
        self._model, self.entries, self._cache, self._bias = model, entries, cache, bias
        log_probabilities = draw.log_softmax(logits).astype(np.float32)
        # The caller goes on using its reader.
        self.root = Continuation(log_probabilities, 0.0, (Reader.gathered(model, [(reader, 0)]), 0))
        self._known: dict[Path, Continuation] = {}
        self._children: dict[tuple[Path, str], Children] = {}

    def search(self, n: int, typed: str = "") -> tuple[list[FoundWord], float]:
        """The likeliest words that begin with `typed`.

        **Arguments:**

        - `n`: how many words.

        **Returns:** the words, best first, fewer if there are no more; and ln P(the next word begins with
        `typed`), as far as it was searched.
        """
        if len(typed) > MOST_SUBWORDS * self.entries.longest:
            return [], -math.inf
        search = Search(self, n, typed)
        for _ in range(_RUNS + n // _FOR_A_RUN):
            nodes = search.best_open(min(max(_AT_ONCE, n), _MOST_AT_ONCE))
            if not nodes:
                break
            for node, continuation in zip(nodes, self.expand(nodes), strict=True):
                search.visit(node, continuation)
        for _ in range(_RUNS):
            nodes = search.other_spellings()
            if not nodes:
                break
            self.expand(nodes[:_MOST_AT_ONCE])
        return search.found, search.beginning

    def known(self, path: Path) -> Continuation | None:
        """What follows a beginning, if it was computed before."""
        return self._known.get(path)

    def expand(self, nodes: Sequence[Node]) -> list[Continuation]:
        """What follows some beginnings, computed at once."""
        # Where a fixed context is not yet full, only texts of the same length are read at once.
        groups: dict[int, list[Node]] = defaultdict(list)
        for node in nodes:
            groups[node.before[0].last.shape[1]].append(node)
        if len(self._known) + len(nodes) > _REMEMBERED:
            self._known.clear()
            self._children.clear()
        for group in groups.values():
            reader = Reader.gathered(self._model, [node.before for node in group])
            expected = reader.read(np.array([[node.path[-1]] for node in group]))
            logits = expected.logits if self._bias is None else expected.logits + self._bias
            values = _log_softmax(logits)
            if self._cache and self._cache.count:
                mixed = map(self._cache.mix, values.astype(np.float64), expected.features)
                values = np.stack([*mixed]).astype(np.float32)
            ends = np.log(np.maximum(np.exp(values) @ self.entries.begins, 1e-30)).tolist()
            for place, node in enumerate(group):
                self._known[node.path] = Continuation(values[place], ends[place], (reader, place))
        return [self._known[node.path] for node in nodes]

    def children(self, path: Path, following: Surfaces, rest: str, values: NDArray[np.float32]) -> Children:
        """The likeliest entries that may follow a beginning and agree with the rest of what was typed."""
        found = self._children.get((path, rest))
        if not found:
            if len(self._children) >= 4 * _REMEMBERED:
                self._children.clear()
            found = self._children[path, rest] = Children.of(self.entries, following, rest, values)
        return found


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log-probabilities in float32, in half the time."""
    shifted: NDArray[np.float32] = logits - logits.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted
