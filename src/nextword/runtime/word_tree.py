"""The words that may come next, where a model knows subwords: a tree of beginnings, searched best first.

A node is the beginning of a word, a path of subwords. Its children are the subwords that may go on with it;
the word is finished with the probability that a new word begins after it. Bytes are read but never written,
like `<unk>`, so that no path has one.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from nextword.runtime import draw
from nextword.runtime.cache import NeuralCache
from nextword.runtime.entries import MOST_SUBWORDS, Entries
from nextword.runtime.reader import Model, Reader
from nextword.text.subwords import LINE_END, Surfaces
from nextword.text.words import END_OF_LINE

_AT_ONCE = 8  # nodes that one run of the model expands, at least
_MOST_AT_ONCE = 64
_NEGLIGIBLE = math.log(0.01)  # share of a word's probability
_RUNS = 10  # of the model in one search, at least
_FOR_A_RUN = 16  # words that are asked for and cost one more
_CHILDREN = 64  # of a node that are looked at
_REMEMBERED = 1024  # nodes of which is known what follows

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
    - `path`: the ids of its subwords, where it is likelier with a blank before it or without one.
    - `log_probability`: of the word and of its ending there, with a blank or without, in nats.
    """

    word: str
    path: Path
    log_probability: float


class WordTree:
    """The words that may follow a text.

    **Arguments:**

    - `model`: what reads subwords.
    - `entries`: of its dictionary.
    - `reader`: one that has read the text, and nothing else.
    - `logits`: after it, `(dictionary,)`; log-probabilities will do.
    - `cache`: with which to mix what is expected later in the word; `logits` are taken as they are.
    """

    def __init__(
        self,
        model: Model,
        entries: Entries,
        reader: Reader,
        logits: NDArray[np.floating],
        cache: NeuralCache | None = None,
    ) -> None:
        self._model, self.entries, self._cache = model, entries, cache
        log_probabilities = draw.log_softmax(logits).astype(np.float32)
        # The reader is the caller's, and goes on.
        self.root = Continuation(log_probabilities, 0.0, (Reader.gathered(model, [(reader, 0)]), 0))
        self._known: dict[Path, Continuation] = {}
        self._children: dict[tuple[Path, str], _Children] = {}

    def search(self, n: int, typed: str = "") -> tuple[list[FoundWord], float]:
        """The likeliest words that begin with `typed`.

        **Arguments:**

        - `n`: how many words.

        **Returns:** the words, best first, fewer if there are no more; and ln P(the next word begins with
        `typed`), as far as it was searched.
        """
        search = _Search(self, n, typed)
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
            values = _log_softmax(expected.logits)
            if self._cache and self._cache.count:
                mixed = map(self._cache.mix, values.astype(np.float64), expected.features)
                values = np.stack([*mixed]).astype(np.float32)
            ends = np.log(np.maximum(np.exp(values) @ self.entries.begins, 1e-30)).tolist()
            for place, node in enumerate(group):
                self._known[node.path] = Continuation(values[place], ends[place], (reader, place))
        return [self._known[node.path] for node in nodes]

    def children(
        self, path: Path, following: Surfaces, rest: str, values: NDArray[np.float32]
    ) -> "_Children":
        """The likeliest entries that go on with a beginning and agree with the rest of what was typed."""
        found = self._children.get((path, rest))
        if not found:
            if len(self._children) >= 4 * _REMEMBERED:
                self._children.clear()
            found = self._children[path, rest] = _Children.of(self.entries, following, rest, values)
        return found


class _Children(NamedTuple):
    """The likeliest children of a node, by falling probability given the node, equals by rising id.

    - `open`: ids and log-probabilities of those that may go on.
    - `whole`: of those that are whole words.
    - `typed`: ln P(the next entry is one that covers the rest of what was typed).
    """

    open: list[tuple[int, float]]
    whole: list[tuple[int, float]]
    typed: float

    @classmethod
    def of(cls, entries: Entries, following: Surfaces, rest: str, values: NDArray[np.float32]) -> "_Children":
        covering, shorter = following.agreeing(rest)
        ids = np.concatenate([covering, shorter]) if rest else covering
        own = values[ids]
        typed = math.log(max(float(np.exp(own[: len(covering)]).sum()), 1e-38)) if rest else 0.0
        if len(ids) > _CHILDREN:
            best = np.argpartition(own, -_CHILDREN)[-_CHILDREN:]
            ids, own = ids[best], own[best]
        order = np.lexsort((ids, -own))
        ids, own = ids[order], own[order]
        is_whole = entries.is_whole[ids]
        return cls(_pairs(ids[~is_whole], own[~is_whole]), _pairs(ids[is_whole], own[is_whole]), typed)


def _pairs(ids: NDArray[np.int64], values: NDArray[np.float32]) -> list[tuple[int, float]]:
    return list(zip(ids.tolist(), values.tolist(), strict=True))


class _Siblings(NamedTuple):
    """The children of a node that a search has not come to yet: those from some place on."""

    parent: Node
    children: list[tuple[int, float]]
    after: tuple[Reader, int]


class _Search:
    """The open nodes of a search, and the words that it has found."""

    def __init__(self, tree: WordTree, n: int, typed: str) -> None:
        self._tree, self._n, self._typed = tree, n, typed
        self._entries = tree.entries
        # By falling probability, each with its siblings, of which it is the likeliest that was not yet met.
        self._open: list[tuple[float, Path, int, _Siblings]] = []
        self._found: dict[str, FoundWord] = {}
        self._counted: set[Path] = set()  # what they were spelt by
        self._best: dict[str, float] = {}  # the likeliest n words that were found
        self._worst = -math.inf  # of these, if there are so many
        self.beginning = -math.inf if typed else 0.0
        root = Node((), "", 0.0, tree.root.after)
        self._add_children(root, self._entries.first, tree.root)

    @property
    def found(self) -> list[FoundWord]:
        """The best words, best first."""
        best = [self._found[word] for word in self._best]
        return sorted(best, key=lambda one: (-one.log_probability, one.path))

    def best_open(self, most: int) -> list[Node]:
        """The likeliest nodes of which is not known what follows, if they may lead to a better word."""
        nodes: list[Node] = []
        while self._open and len(nodes) < most and -self._open[0][0] > self._worst:
            negative, path, place, siblings = heapq.heappop(self._open)
            self._push(siblings, place + 1)
            # Other ways to spell a word have been read nowhere.
            if self._entries.dictionary.is_split(path):
                surface = siblings.parent.surface + self._entries.surfaces[path[-1]]
                node = Node(path, surface, -negative, siblings.after)
                known = self._tree.known(path)
                if known:
                    self.visit(node, known)
                else:
                    nodes.append(node)
        return nodes

    def visit(self, node: Node, continuation: Continuation) -> None:
        """Adds the word that a node is, and what it may become."""
        if node.surface and node.surface.startswith(self._typed):
            self._add(node.surface, node.path, node.log_probability + continuation.end)
        if len(node.path) < MOST_SUBWORDS:
            following = self._entries.later if node.surface else self._entries.after_mark
            self._add_children(node, following, continuation)

    def other_spellings(self) -> list[Node]:
        """Adds the best words as they are spelt with another mark, unless that is much less likely.

        **Returns:** the nodes of which has to be known what follows before all are added.
        """
        nodes = []
        for word, log_probability in list(self._best.items()):
            for path in self._entries.spellings(word):
                if path not in self._counted:
                    node = self._along(path, word, log_probability + _NEGLIGIBLE)
                    nodes += [node] if node else []
        return nodes

    def _along(self, path: Path, word: str, least: float) -> Node | None:
        """Goes along a path, and adds the word at its end, unless that is less likely than `least`.

        **Returns:** the first node of which is not known what follows.
        """
        log_probability, continuation = 0.0, self._tree.root
        for length, id in enumerate(path, 1):
            log_probability += float(continuation.log_probabilities[id])
            if log_probability < least:
                return None
            if length == len(path) and self._entries.is_whole[id]:
                self._add(word, path, log_probability)
                return None
            known = self._tree.known(path[:length])
            if not known:
                return Node(path[:length], "", log_probability, continuation.after)
            continuation = known
        self._add(word, path, log_probability + continuation.end)
        return None

    def _add_children(self, node: Node, following: Surfaces, continuation: Continuation) -> None:
        rest = self._typed[len(node.surface) :]
        children = self._tree.children(node.path, following, rest, continuation.log_probabilities)
        if rest:
            self.beginning = _log_add(self.beginning, node.log_probability + children.typed)
        for id, value in children.whole:
            word = node.surface + self._entries.surfaces[id]
            if word.startswith(self._typed):
                word = END_OF_LINE if word == LINE_END else word
                self._add(word, (*node.path, id), node.log_probability + value)
        self._push(_Siblings(node, children.open, continuation.after), 0)

    def _push(self, siblings: _Siblings, place: int) -> None:
        """Opens the child at some place, if it may lead to a better word."""
        if place < len(siblings.children):
            id, value = siblings.children[place]
            value += siblings.parent.log_probability
            if value > self._worst:
                heapq.heappush(self._open, (-value, (*siblings.parent.path, id), place, siblings))

    def _add(self, word: str, path: Path, log_probability: float) -> None:
        self._counted.add(path)
        before = self._found.get(word)
        total = log_probability
        if before:
            total = _log_add(before.log_probability, log_probability)
            if before.log_probability >= log_probability:
                path = before.path
        self._found[word] = FoundWord(word, path, total)
        if total > self._worst or word in self._best:
            self._best[word] = total
            if len(self._best) > self._n:
                del self._best[min(self._best, key=lambda one: self._best[one])]
            if len(self._best) == self._n:
                self._worst = min(self._best.values())


def _log_add(one: float, other: float) -> float:
    """ln(exp(one) + exp(other))."""
    high, low = max(one, other), min(one, other)
    return high if low == -math.inf else high + math.log1p(math.exp(low - high))


def _log_softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Log-probabilities in float32, in half the time."""
    shifted: NDArray[np.float32] = logits - logits.max(axis=1, keepdims=True)
    shifted -= np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return shifted
